package clients

// Where the tests are of the tools that ask by themselves.
const (
	toolTests    = "e2e/helper_tools_test.go#"
	packageTests = "e2e/helper_packages_test.go#"
)

// credentials are those that ask `tokentoss credential` for a token or for the proxy's secret.
var credentials = []Row{
	{
		Client: "go", Version: "1.26", Way: Helper,
		Type:   []string{"go env -w 'GOAUTH=tokentoss credential go;netrc'"},
		Limits: "https only; signed out, go says 401",
		Test:   toolTests + "TestGoHelper",
	},
	{
		Client: "Bazel", Version: "the published schema of its helpers", Way: Helper,
		Type:   []string{"tokentoss credential install bazel", "common --credential_helper=cache.example.com=PATH"},
		Limits: "the second line is printed by the first, for ~/.bazelrc; a single request that takes longer than its token is refused at its end",
		Test:   toolTests + "TestBazelHelper",
	},
	{
		Client: "pnpm", Version: "npm pnpm", Way: Helper,
		Type:    []string{"tokentoss credential install pnpm", "//npm.example.com/:tokenHelper=PATH"},
		Expiry:  "requests are refused: it asks at its start only",
		Longest: "30 minutes at least, 1 hour at most",
		Limits:  "the second line is printed by the first, for ~/.npmrc",
		Test:    packageTests + "TestPnpmHelper",
	},
	{
		Client: "OpenTofu", Version: "terraform-svchost 0.2, which asks in both", Way: Helper,
		Type:    []string{"tokentoss credential install terraform", `credentials_helper "tokentoss" {}`},
		Expiry:  "requests are refused: it asks once in a run",
		Longest: "30 minutes at least, 1 hour at most",
		Limits:  "the second line goes into ~/.tofurc or ~/.terraformrc; for registries, not for providers' own requests; not on Windows",
		Test:    toolTests + "TestTerraformHelper",
	},
	{
		Client: "skopeo", Version: "Debian 12's 1.9", Way: Proxy,
		Type:   []string{"tokentoss credential install docker", "tokentoss proxy --listen localhost:8080 https://registry.example.com", `{"credHelpers": {"127.0.0.1:8080": "tokentoss"}}`},
		Token:  "with tokentoss alone; the client asks for the proxy's secret",
		Limits: "the third line goes into ~/.docker/config.json, or where REGISTRY_AUTH_FILE says; the same for what else has Docker's credential helpers",
		Test:   packageTests + "TestDockerHelper",
	},
	{
		Client: "pip", Version: "pypi pip", Way: Proxy,
		Type: []string{"tokentoss credential install keyring", "tokentoss proxy --listen localhost:8080 https://pypi.example.com",
			"pip install --keyring-provider subprocess --index-url http://127.0.0.1:8080/simple/ NAME"},
		Token: "with tokentoss alone; the client asks for the proxy's secret",
		Test:  packageTests + "TestKeyringHelper/pip",
	},
	{
		Client: "uv", Version: "pypi uv", Way: Proxy,
		Type: []string{"tokentoss credential install keyring", "tokentoss proxy --listen localhost:8080 https://pypi.example.com",
			"uv pip install --keyring-provider subprocess --index-url http://tokentoss@127.0.0.1:8080/simple/ NAME"},
		Token:  "with tokentoss alone; the client asks for the proxy's secret",
		Limits: "the user's name stands in the address: without one uv does not ask",
		Test:   packageTests + "TestKeyringHelper/uv",
	},
}
