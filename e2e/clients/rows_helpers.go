package clients

// helpers are those that ask tokentoss by themselves.
var helpers = []Row{
	{
		Client: "git", Version: "Debian 13's 2.47", Way: Helper,
		Type: []string{
			"git config --global credential.https://git.example.com.helper '!tokentoss credential git'",
			"git config --global http.https://git.example.com.proactiveAuth auto",
		},
		Limits: "from git 2.46 on",
		Test:   "e2e/helper_git_test.go#TestGitHelper",
	},
	{
		Client: "git", Version: "Debian 12's 2.39", Way: Once,
		Type: []string{
			"tokentoss token --jar ~/.git-iap-cookies https://git.example.com",
			"git config --global http.https://git.example.com.cookieFile ~/.git-iap-cookies",
		},
		Token:  "in the jar, mode 0600",
		Limits: "run the first line again each hour",
		Test:   "e2e/helper_git_test.go#TestGitCookieJar",
	},
	{
		Client: "kubectl", Version: "Debian's", Way: Helper,
		Type:   []string{"exec: {command: tokentoss, args: [credential, kubectl]}"},
		Limits: "a user of the kubeconfig, see [kubectl](helpers.md#kubectl)",
		Test:   "e2e/helper_kubectl_test.go#TestKubectl",
	},
	{
		Client: "Google's libraries, workload identity federation", Version: "Go's and Python's", Way: Helper,
		Type:   []string{`"executable": {"command": "/usr/local/bin/tokentoss credential executable"}`},
		Limits: "for Google's APIs; see [helpers](helpers.md#googles-client-libraries-a-program-as-the-source)",
		Test:   "e2e/helper_google_test.go#TestGooglesLibraries/executable",
	},
	{
		Client: "Google's library for Go", Version: "golang.org/x/oauth2 0.37", Way: Metadata,
		Type: []string{"tokentoss metadata", "export GCE_METADATA_HOST=127.0.0.1:PORT GCE_METADATA_IP=127.0.0.1:PORT"},
		Test: "e2e/helper_google_test.go#TestGooglesLibraries/go",
	},
	{
		Client: "Google's library for Python", Version: "google-auth 2", Way: Metadata,
		Type: []string{"tokentoss metadata", "export GCE_METADATA_HOST=127.0.0.1:PORT GCE_METADATA_IP=127.0.0.1:PORT"},
		Test: "e2e/helper_google_test.go#TestGooglesLibraries/python",
	},
}
