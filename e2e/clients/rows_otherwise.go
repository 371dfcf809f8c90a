package clients

// otherwiseTest is the test of those that "tokentoss run" does not serve as they are.
const otherwiseTest = "e2e/clients/otherwise_test.go#TestOtherwise/"

// otherwise are those that "tokentoss run" does not serve as they are, with what does. More
// are among the rows of other ways.
var otherwise = []Row{
	{
		Client: "aria2", Version: "Debian 12's 1.36", Way: Run,
		Type:   []string{`tokentoss run -- sh -c 'aria2c -x4 --ca-certificate="$SSL_CERT_FILE" https://wiki.example.com/x'`},
		Limits: "Debian's reads no variable for its certificates, so the option is needed",
		Test:   otherwiseTest + "aria2",
	},
	{
		Client: "aiohttp", Version: "pypi aiohttp", Way: Python,
		Type:   []string{`aiohttp.ClientSession(middlewares=[AiohttpIAPMiddleware("https://svc")])`},
		Limits: "without `trust_env` it takes no proxy from its environment, so `run` does not reach it",
		Test:   otherwiseTest + "aiohttp",
	},
}
