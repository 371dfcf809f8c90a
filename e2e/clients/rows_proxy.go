package clients

// proxyTest is the test of those that go to the address of "tokentoss proxy".
const proxyTest = "e2e/clients/otherwise_test.go#TestThroughProxy/"

// proxied are those that go to an address of this machine. PORT, SECRET and FILE, which is for
// curl's --netrc-file, are what "tokentoss proxy" prints; SECRET is in the environment, so that no argument has it.
var proxied = []Row{
	{
		Client: "git", Version: "Debian 12's 2.39", Way: Proxy,
		Type: []string{
			"tokentoss proxy --listen localhost:8080 --secret keep https://git.example.com",
			"git config --global credential.http://127.0.0.1:8080.helper 'store --file \"FILE\"'",
			"git config --global url.http://127.0.0.1:8080/.insteadOf https://git.example.com/",
		},
		Limits: "the second line is printed by the first; git-lfs does not get in so",
		Test:   "e2e/helper_git_test.go#TestGitThroughProxy",
	},
	{
		Client: "grpcurl", Version: "go github.com/fullstorydev/grpcurl", Way: Proxy,
		Type:   []string{"grpcurl -plaintext -expand-headers -H 'tokentoss-secret: ${SECRET}' 127.0.0.1:PORT list"},
		Limits: "not through `run`: it shows no proxy the credential of its environment",
		Test:   proxyTest + "grpcurl",
	},
	{
		Client: "Java (java.net.http.HttpClient)", Version: "17", Way: Proxy,
		Type: []string{`HttpRequest.newBuilder(URI.create("http://127.0.0.1:PORT/x")).header("Tokentoss-Secret", System.getenv("SECRET"))`},
		Test: proxyTest + "Java HttpClient",
	},
	{
		Client: "aria2", Version: "Debian 12's 1.36", Way: Proxy,
		Type: []string{"aria2c -x4 --netrc-path FILE http://127.0.0.1:PORT/x"},
		Test: proxyTest + "aria2",
	},
	{
		Client: "pip", Version: "pypi pip", Way: Proxy,
		Type:   []string{"NETRC=FILE pip install --index-url http://127.0.0.1:PORT/simple/ PACKAGE"},
		Limits: "not by the path with the secret: an index answers with paths from its root",
		Test:   proxyTest + "pip",
	},
	{
		Client: "uv", Version: "pypi uv", Way: Proxy,
		Type:   []string{"NETRC=FILE uv pip install --index-url http://127.0.0.1:PORT/simple/ PACKAGE"},
		Limits: "not by the path with the secret: an index answers with paths from its root",
		Test:   proxyTest + "uv",
	},
	{
		Client: "MLflow", Version: "pypi mlflow-skinny", Way: Proxy,
		Type:   []string{"MLFLOW_TRACKING_URI=http://127.0.0.1:PORT MLFLOW_TRACKING_USERNAME=tokentoss MLFLOW_TRACKING_PASSWORD=SECRET"},
		Limits: "not by the path with the secret: MLflow prints the address, and notebooks keep it",
		Test:   proxyTest + "MLflow",
	},
	{
		Client: "MCP, Python SDK", Version: "pypi mcp", Way: Proxy,
		Type:   []string{`sse_client("http://127.0.0.1:PORT/sse", headers={"Tokentoss-Secret": SECRET})`},
		Limits: "not by the path with the secret: over SSE the server names a path from its root, and the client waits in vain",
		Test:   proxyTest + "MCP, over SSE",
	},
}
