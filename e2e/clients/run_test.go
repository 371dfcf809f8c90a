//go:build linux

package clients_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/tokentoss/tokentoss/e2e/internal/suite"
)

// A program is a client in a test: a script for "sh -eu", in which it has two turns with
// a pause between them, in one run.
type program struct {
	needs  string // the executable
	script string // with $SITE, $PAUSE and $TESTDATA
	agent  string // matches its User-Agent
	serve  func(*testing.T) string
}

// twice has a command twice, with the pause.
func twice(command string) string { return command + "\nsleep $PAUSE\n" + command }

// python and node are functions of testdata/clients.py and testdata/clients.mjs.
func inPython(name string) string { return "python3 $TESTDATA/clients.py " + name }
func inNode(name string) string   { return "node $TESTDATA/clients.mjs " + name }

// TestUnchanged runs each client by "tokentoss run --" for longer than a token lives.
func TestUnchanged(t *testing.T) {
	suite.Need(t, suite.Clients)
	for name, p := range inTable(t, unchanged()) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, testdata := begin(t, p)
			// Nothing that CMD can see is a token.
			script := "if env | grep eyJ; then exit 1; fi\n" + p.script
			w.run(t, []string{"TESTDATA=" + testdata, "MODULES=" + programs + "/node"}, "tokentoss", "run", "--", "sh", "-euc", script).want(t, "")
			w.wantRenewed(t, p.agent)
		})
	}
}

// printed returns what a command prints.
func printed(t *testing.T, command ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), command[0], command[1:]...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v\n%s", command, err, out)
	}
	return strings.TrimSpace(string(out))
}

func unchanged() map[string]program {
	return map[string]program{
		"curl":                   {needs: "curl", agent: `^curl/`, serve: pages, script: twice(`test "$(curl -sSf $SITE/x)" = hello`)},
		"wget":                   {needs: "wget", agent: `^Wget/`, serve: pages, script: twice(`test "$(wget -qO- $SITE/x)" = hello`)},
		"requests":               {needs: "python3", agent: `^python-requests/`, serve: pages, script: inPython("use_requests")},
		"httpx":                  {needs: "python3", agent: `^python-httpx/`, serve: pages, script: inPython("use_httpx")},
		"httpx2":                 {needs: "python3", agent: `^python-httpx2/`, serve: pages, script: inPython("use_httpx2")},
		"aiohttp with trust_env": {needs: "python3", agent: `aiohttp/`, serve: pages, script: inPython("use_aiohttp")},
		"aiohttp, WebSocket":     {needs: "python3", agent: `aiohttp/`, serve: pages, script: inPython("use_aiohttp_websocket")},
		"httplib2":               {needs: "python3", agent: `httplib2/`, serve: pages, script: inPython("use_httplib2")},
		"fsspec":                 {needs: "python3", agent: `aiohttp/`, serve: pages, script: `export FSSPEC_HTTPS='{"client_kwargs": {"trust_env": true}}'; ` + inPython("use_fsspec")},
		"ELinks":                 {needs: "elinks", agent: `^ELinks/`, serve: pages, script: twice(`test "$(elinks -source $SITE/x)" = hello`)},
		"urllib":                 {needs: "python3", agent: `^Python-urllib/`, serve: pages, script: inPython("use_urllib")},
		"HTTPie":                 {needs: "http", agent: `^HTTPie/`, serve: pages, script: twice(`http --ignore-stdin --check-status $SITE/x | grep hello`)},
		"openai, Python":         {needs: "python3", agent: `OpenAI/Python`, serve: models, script: inPython("use_openai")},
		"MLflow":                 {needs: "python3", agent: `mlflow-python-client`, serve: experiments, script: inPython("use_mlflow")},
		"gradio_client":          {needs: "python3", agent: `gradio_client`, serve: gradio, script: inPython("use_gradio")},
		"MCP, Python SDK":        {needs: "python3", agent: `python-httpx2|mcp`, serve: mcpServer, script: inPython("use_mcp")},
		"grpcio":                 {needs: "python3", agent: `grpc-python`, serve: grpcServer, script: inPython("use_grpc")},
		"Node's fetch":           {needs: "node", agent: `^node$`, serve: pages, script: inNode("useFetch")},
		"openai, TypeScript":     {needs: "node", agent: `OpenAI/JS`, serve: models, script: inNode("useOpenAI")},
		"MCP, TypeScript SDK":    {needs: "node", agent: `^node$`, serve: mcpServer, script: inNode("useMCP")},
		"git":                    {needs: "git", agent: `^git/`, serve: repositories, script: gitScript},
		"git-lfs":                {needs: "git-lfs", agent: `^git-lfs/`, serve: repositories, script: lfsScript},
		"pip":                    {needs: "pip", agent: `^pip/`, serve: packages, script: twice(`pip --isolated --no-cache-dir install -q --no-deps --force-reinstall --target p --upgrade --index-url $SITE/simple/ greeting`)},
		"uv":                     {needs: "uv", agent: `^uv/`, serve: packages, script: twice(`uv pip install -q --no-cache --no-config --target u --reinstall --index-url $SITE/simple/ greeting`)},
		"npm":                    {needs: "npm", agent: `^npm/`, serve: packages, script: twice(`rm -rf node_modules .npm; npm install --no-save --cache .npm --no-audit --no-fund --registry $SITE/npm/ greeting`)},
		"pnpm":                   {needs: "pnpm", agent: `^pnpm/`, serve: packages, script: "mkdir a b; " + pnpm("a") + "\nsleep $PAUSE\n" + pnpm("b")},
		"Yarn":                   {needs: "yarn", agent: `got`, serve: packages, script: "mkdir a b; " + yarn("a") + "\nsleep $PAUSE\n" + yarn("b")},
		"go": {needs: "go", agent: `^Go-http-client/`, serve: packages, script: "export GONOSUMDB='*' GOFLAGS=-modcacherw GOPROXY=$SITE/goproxy GOTOOLCHAIN=local GOENV=off\n" +
			"GOMODCACHE=$PWD/one go mod download example.com/greeting@v1.0.0\nsleep $PAUSE\nGOMODCACHE=$PWD/two go mod download example.com/greeting@v1.0.0"},
		"cargo":                           {needs: "cargo", agent: `^cargo`, serve: packages, script: cargoScript},
		"crane":                           {needs: "crane", agent: `go-containerregistry`, serve: registry, script: ociScript(`crane append --oci-empty-base -f layer.tgz -t $HOST/app:%s; crane manifest $HOST/app:%[1]s | grep -q layers; crane pull $HOST/app:%[1]s out-%[1]s.tar`)},
		"skopeo":                          {needs: "skopeo", agent: `skopeo`, serve: registry, script: ociScript(`skopeo copy --insecure-policy dir:image docker://$HOST/app:%s; skopeo inspect --raw docker://$HOST/app:%[1]s | grep -q layers`)},
		"oras":                            {needs: "oras", agent: `^oras`, serve: registry, script: ociScript(`oras push $HOST/app:%s layer.tgz; oras pull -o out-%[1]s $HOST/app:%[1]s`)},
		"R (httr2)":                       {needs: "Rscript", agent: `httr2`, serve: pages, script: "Rscript $TESTDATA/clients.R httr2"},
		"R (base)":                        {needs: "Rscript", agent: `^R \(|libcurl|^R `, serve: pages, script: "Rscript $TESTDATA/clients.R base"},
		"Ruby (net/http)":                 {needs: "ruby", agent: `^Ruby`, serve: pages, script: "ruby $TESTDATA/clients.rb"},
		"Perl (LWP)":                      {needs: "lwp-request", agent: `libwww-perl`, serve: pages, script: "perl $TESTDATA/clients.pl"},
		"PHP (curl)":                      {needs: "php", agent: `^php-curl`, serve: pages, script: "php $TESTDATA/clients.php"},
		"Java (HttpURLConnection)":        {needs: "java", agent: `^Java/`, serve: pages, script: "java $TESTDATA/Clients.java URLConnection"},
		"Java (java.net.http.HttpClient)": {needs: "java", agent: `^Java-http-client/`, serve: pages, script: "java $TESTDATA/Clients.java HttpClient"},
	}
}

func pnpm(dir string) string {
	return "(cd " + dir + "; echo '{}' >package.json; pnpm add --store-dir $PWD/store --registry $SITE/npm/ greeting; grep -q hello node_modules/greeting/index.js)"
}

func yarn(dir string) string {
	return "(cd " + dir + "; echo '{\"name\": \"app\"}' >package.json; : >yarn.lock\n" +
		"export YARN_NPM_REGISTRY_SERVER=$SITE/npm YARN_GLOBAL_FOLDER=$PWD/global YARN_NODE_LINKER=node-modules YARN_ENABLE_TELEMETRY=0\n" +
		"yarn add greeting; grep -q hello node_modules/greeting/index.js)"
}
