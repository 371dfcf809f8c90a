package clients

// proxied are those that go to an address of this machine.
var proxied = []Row{
	{
		Client: "git", Version: "Debian 12's 2.39", Way: Proxy,
		Type: []string{
			"tokentoss proxy --listen localhost:8080 --secret keep https://git.example.com",
			"git config --global credential.http://127.0.0.1:8080.helper 'store --file \"FILE\"'",
			"git config --global url.http://127.0.0.1:8080/.insteadOf https://git.example.com/",
		},
		Limits: "the second line is printed by the first",
		Test:   "e2e/helper_git_test.go#TestGitThroughProxy",
	},
}
