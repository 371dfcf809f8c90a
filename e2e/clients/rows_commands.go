package clients

// commands are those that a command of tokentoss starts or feeds.
var commands = []Row{
	{
		Client: "curl", Version: "Debian 12's 7.88", Way: Way{Name: "[its own command](command-line.md#curl)", Token: "in a pipe to curl"},
		Type:   []string{"tokentoss curl https://wiki.example.com/x -- -sS"},
		Expiry: "curl has one for each start; the next start has a new one", Longest: "no limit for a transfer that has begun",
		Limits: "options that could send the token elsewhere or show it are refused",
		Test:   "e2e/script_test.go#TestScripts/curl",
	},
	{
		Client: "any program", Way: Way{Name: "[exec](command-line.md#exec)", Expiry: Once.Expiry},
		Type:    []string{"tokentoss exec --min-validity 30m -- CMD"},
		Longest: "as long as one token, 1 hour at most", Token: "in IAP_TOKEN of CMD's environment",
		Test: "e2e/script_test.go#TestScripts/exec",
	},
}
