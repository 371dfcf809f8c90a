package doctor

// What can be the matter on this machine and with the provider.
const (
	codeSettingsBroken  Code = "settings-broken"
	codeNotConfigured   Code = "not-configured"
	codeStoreUnusable   Code = "store-unusable"
	codeProviderAnswer  Code = "provider-answer"
	codeClockWrong      Code = "clock-wrong"
	codeSignedOut       Code = "signed-out"
	codeSessionEnded    Code = "session-ended"
	codeFreshSignIn     Code = "fresh-sign-in"
	codeSessionTooOld   Code = "session-too-old"
	codeOtherClient     Code = "other-client"
	codeClientRefused   Code = "client-refused"
	codeRefreshFailed   Code = "refresh-failed"
	codeMachineToken    Code = "no-machine-token"
	codeUnusableIDToken Code = "unusable-id-token"
)

const login = "tokentoss login"

func localDiagnoses() []Diagnosis {
	return []Diagnosis{
		{Code: codeSettingsBroken, Check: Configuration, Level: Fail, Exit: exitFailed,
			Title: "the configuration cannot be used",
			Cause: "A setting in config.toml, an option or the file of the OAuth client is not as it must be.",
			Do:    []string{"Correct what the message names."}},
		{Code: codeNotConfigured, Check: Configuration, Level: Fail, Exit: exitFailed,
			Title:    "no OAuth client is configured",
			Cause:    "Signing in takes an OAuth client of the type \"Desktop app\". Your team has one, or somebody makes one in the Google Cloud console.",
			Do:       []string{"Get the client's JSON file and configure it."},
			Commands: []string{"tokentoss configure --from client_secrets.json"}},
		{Code: codeStoreUnusable, Check: Store, Level: Fail, Exit: exitFailed,
			Title: "the session cannot be read or saved",
			Cause: "The store is locked, full, read-only or damaged, or others could read it.",
			Do:    []string{"Do what the message says.", "Keep the session in another store."},
			Commands: []string{
				"tokentoss store list"}},
		{Code: codeProviderAnswer, Check: Provider, Level: Fail, Exit: exitFailed,
			Title: "the provider {provider} does not answer as it should",
			Cause: "It has a fault, or something between here and there answers in its place. The session is kept.",
			Do:    []string{"Try again in some minutes.", "See whether a browser on this machine reaches it."}},
		{Code: codeClockWrong, Check: Clock, Level: Fail, Exit: exitFailed,
			Title:    "the clock of this machine is {offset} {other}",
			Cause:    "Tokens have times in them, and are refused by a clock that is wrong.",
			Do:       []string{"Set the clock, and have it kept right by NTP."},
			Commands: []string{"sudo timedatectl set-ntp true"}},
	}
}

// sessionCases are those that a sign-in or a new client mends, and their like.
func sessionDiagnoses() []Diagnosis {
	return []Diagnosis{
		{Code: codeSignedOut, Check: Session, Level: Fail, Exit: exitSignIn,
			Title:    "nobody is signed in",
			Cause:    "There is no session in the store.",
			Do:       []string{"Sign in."},
			Commands: []string{login}},
		{Code: codeSessionEnded, Check: Session, Level: Fail, Exit: exitSignIn,
			Title: "the session of {email} has ended",
			Cause: "The provider no longer takes its refresh token. It was revoked, was not used for six months, is one of more than 100 of the same " +
				"account and client, or the account's password or state changed.",
			Do:       []string{"Sign in again."},
			Commands: []string{login}},
		{Code: codeFreshSignIn, Check: Session, Level: Fail, Exit: exitSignIn,
			Title:    "your organisation wants a fresh sign-in of {email}",
			Cause:    "Its Workspace administrators limit how long a session lasts (\"Google Cloud session control\").",
			Do:       []string{"Sign in again."},
			Commands: []string{login}},
		{Code: codeSessionTooOld, Check: Session, Level: Fail, Exit: exitSignIn,
			Title:    "the session of {email} is older than it may be",
			Cause:    "A session lasts as long as session_lifetime says, 24 hours where it is not set, or, without a refresh token, as long as its token.",
			Do:       []string{"Sign in again.", "Set another session_lifetime in config.toml."},
			Commands: []string{login}},
		{Code: codeOtherClient, Check: Session, Level: Fail, Exit: exitSignIn,
			Title:    "the session of {email} belongs to another OAuth client or person",
			Cause:    "The client was configured anew after the sign-in, or the provider answered with somebody else's token.",
			Do:       []string{"Sign in again."},
			Commands: []string{login}},
		{Code: codeClientRefused, Check: Session, Level: Fail, Exit: exitFailed,
			Title:    "the provider does not know the OAuth client {client_id}, or not with this secret",
			Cause:    "The client was deleted, its secret was changed, or the file is another provider's. The session is kept.",
			Do:       []string{"Get the client's file anew and configure it."},
			Commands: []string{"tokentoss configure --from client_secrets.json", login}},
		{Code: codeRefreshFailed, Check: Session, Level: Fail, Exit: exitFailed,
			Title: "the token could not be refreshed",
			Cause: "The provider could not be reached or has a fault. The session is kept, and no sign-in is needed.",
			Do:    []string{"Try again in a moment."}},
		{Code: codeMachineToken, Check: Session, Level: Fail, Exit: exitFailed,
			Title: "the machine gets no token",
			Cause: "The profile is a machine's. Its key was deleted or cannot be read, it may not act for the service account that it is to become, " +
				"or Google cannot be reached from here.",
			Do: []string{"Do what the message says.", "See that the settings are those of this machine: flow, key_file and service_account in config.toml."}},
		{Code: codeUnusableIDToken, Check: Session, Level: Fail, Exit: exitFailed,
			Title: "the provider's ID token cannot be used",
			Cause: "It has no verified e-mail address, is for another client or domain, or its times do not fit this machine's clock.",
			Do: []string{"Set the clock of this machine.",
				"Use an account that has an e-mail address, of the domain that hosted_domain names."},
			Commands: []string{login}},
	}
}
