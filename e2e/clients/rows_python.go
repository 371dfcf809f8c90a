package clients

// The tests of the Python package with other people's libraries.
const (
	pythonTests    = "frontends/notebook/python/tests/"
	libraryTests   = pythonTests + "clients/test_libraries.py#"
	newestOfPython = "the newest"
)

// python are those that take what the Python package makes.
var python = []Row{
	{
		Client: "requests", Version: newestOfPython, Way: Python,
		Type: []string{`requests.get("https://svc/x", auth=IAPAuth("https://svc"))`},
		Test: pythonTests + "test_auth.py#test_requests_renews",
	},
	{
		Client: "httpx and httpx2", Version: newestOfPython, Way: Python,
		Type: []string{`httpx2.get("https://svc/x", auth=HttpxIAPAuth("https://svc"))`},
		Test: pythonTests + "test_auth.py#test_httpx",
	},
	{
		Client: "google-auth", Version: newestOfPython, Way: Python,
		Type:   []string{`AuthorizedSession(tokentoss.google.IDTokenCredentials("https://svc"))`},
		Limits: "a `~/.netrc` takes the token's place: `session.auth = lambda request: request`",
		Test:   pythonTests + "test_google.py#test_id_token_credentials",
	},
	{
		Client: "openai, Python", Version: "pypi openai", Way: Python,
		Type: []string{
			`OpenAI(base_url="https://svc/v1", http_client=httpx2.Client(transport=IAPTransport("https://svc")))`,
			`AsyncOpenAI(..., http_client=httpx2.AsyncClient(transport=IAPTransport("https://svc")))`,
		},
		Limits: "a key of its own stays in Authorization",
		Test:   libraryTests + "test_openai",
	},
	{
		Client: "MLflow", Version: "pypi mlflow-skinny", Way: Python,
		Type: []string{"export MLFLOW_TRACKING_AUTH=tokentoss"},
		Test: libraryTests + "test_mlflow",
	},
	{
		Client: "HTTPie", Version: "pypi httpie", Way: Python,
		Type:   []string{"http --auth-type tokentoss https://svc/x"},
		Expiry: "each start has a valid one", Longest: "no limit for an answer that has begun",
		Test: libraryTests + "test_httpie",
	},
	{
		Client: "Kubeflow Pipelines (kfp)", Version: "pypi kfp", Way: Python,
		Type:   []string{`kfp.Client(host="https://svc", credentials=tokentoss.kfp.IAPCredentials())`},
		Limits: "tried with a stand-in for its server",
		Test:   libraryTests + "test_kfp",
	},
	{
		Client: "gql", Version: "pypi gql", Way: Python,
		Type: []string{
			`RequestsHTTPTransport(url=..., auth=IAPAuth("https://svc"))`,
			`HTTPXTransport(url=..., auth=HttpxIAPAuth("https://svc"))`,
		},
		Test: libraryTests + "test_gql",
	},
	{
		Client: "MCP, Python SDK", Version: "pypi mcp", Way: Python,
		Type: []string{`streamable_http_client(url, http_client=httpx2.AsyncClient(transport=IAPTransport("https://svc")))`},
		Test: libraryTests + "test_mcp",
	},
	{
		Client: "gradio_client", Version: "pypi gradio-client", Way: Python,
		Type: []string{`Client(url, httpx_kwargs={"auth": HttpxIAPAuth("https://svc")})`},
		Test: libraryTests + "test_gradio_client",
	},
	{
		Client: "joblib", Version: "pypi joblib", Way: Python,
		Type:   []string{`joblib.Parallel()(joblib.delayed(work)(IAPClient("https://svc")) for ...)`},
		Limits: "each worker uses the session that it finds; no token is pickled",
		Test:   libraryTests + "test_joblib",
	},
	{
		Client: "Dask", Version: "pypi dask", Way: Python,
		Type:   []string{`dask.map(work, [IAPClient("https://svc")])`},
		Limits: "each worker uses the session that it finds; no token is pickled",
		Test:   libraryTests + "test_dask",
	},
	{
		Client: "Ray", Version: "pypi ray", Way: Python,
		Type:   []string{`ray.remote(work).remote(IAPClient("https://svc"))`},
		Limits: "each worker uses the session that it finds; no token is pickled",
		Test:   libraryTests + "test_ray",
	},
	{
		Client: "gevent", Version: newestOfPython, Way: Python,
		Type:   []string{"gevent.monkey.patch_all()"},
		Limits: "before or after tokentoss is imported",
		Test:   pythonTests + "test_session.py#test_gevent",
	},
	{
		Client: "Jupyter, kernels behind a gateway", Version: "pypi jupyter-kernel-gateway", Way: Helper,
		Type:   []string{`c.CommandTokenRenewer.token_command = "tokentoss token"`},
		Limits: "with five more lines, see [notebooks](notebooks.md#kernels-behind-iap)",
		Test:   pythonTests + "clients/test_jupyter_gateway.py#test_remote_kernels",
	},
}
