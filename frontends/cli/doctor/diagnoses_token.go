package doctor

// Why IAP, or the service behind it, may refuse a signed-in person.
const (
	codeAudience      Code = "audience"
	codeManagedClient Code = "google-managed-client"
	codeTokenExpired  Code = "token-expired"
	codeTokenStripped Code = "token-stripped"
	codeTokenRefused  Code = "token-refused"
	codeAccessLevel   Code = "access-level"
	codeNoRole        Code = "no-role"
	codeService401    Code = "service-401"
	codeService403    Code = "service-403"
	codeServiceError  Code = "service-error"
)

// allow puts an OAuth client on the allowlist of a service
// (https://docs.cloud.google.com/iap/docs/authentication-howto). The file has the
// form of https://docs.cloud.google.com/iap/docs/reference/rest/v1/IapSettings.
func allow() []string {
	return []string{
		"gcloud iap settings get \\\n    {settings_flags}",
		`echo 'access_settings:
  oauth_settings:
    programmatic_clients: ["{client_id}"]' > settings.yaml`,
		"gcloud iap settings set settings.yaml \\\n    {settings_flags}",
	}
}

const ownersList = "The owner of the service puts it on the list. The second command writes the file, the third replaces the list: put the clients that the " +
	"first one shows into the file too. IAP goes by the new list after some minutes."

func tokenDiagnoses() []Diagnosis {
	refused := func(id Code, title, cause string, do ...string) Diagnosis {
		return Diagnosis{Code: id, Check: Token, Level: Fail, Exit: exitRefused, Title: title, Cause: cause, Do: do}
	}
	audience := refused(codeAudience, "IAP takes no tokens of the OAuth client {client_id} for {host}",
		"Programs are let in only with tokens of the clients on the allowlist of the service, and this one is not on it. Expected: {expected}.",
		ownersList, "If your team has a client for this service already, configure that one.")
	audience.Commands = allow()
	managed := refused(codeManagedClient, "IAP takes no tokens of the OAuth client {client_id} for {host}",
		"IAP signs people in with a client of another project than yours ({iap_client_id}), which may be Google's own (\"Google-managed\"). With that, programs are let in only "+
			"with tokens of the clients on the allowlist of the service, which is empty until somebody fills it.",
		ownersList)
	managed.Commands = allow()
	level := refused(codeAccessLevel, "an access level wants a fresh sign-in of {email}",
		"IAP refuses a token that was refreshed, and would take one of a sign-in: that is what context-aware access does.",
		"Sign in again, from a device and place that the access level allows.",
		"The owner of the service has another access level for it, if programs are to reach it for longer than an hour.")
	level.Exit, level.Commands = exitSignIn, []string{login}
	role := refused(codeNoRole, "{email} is signed in and has no access to {host}",
		"The account has no role on the service that lets it in: roles/iap.httpsResourceAccessor. Or it has, and a condition or an access level refuses this device, "+
			"place or sign-in.",
		"The owner of the service gives {email} the role, or a group that it is in. It counts after some minutes.",
		"If it has the role: sign in again, from a device and place that the access level allows.",
		"If you meant another account: sign out, and in with that one.")
	role.Check, role.Commands = Access, []string{"gcloud iap web add-iam-policy-binding \\\n    {web_flags} \\\n    --member={member} --role=roles/iap.httpsResourceAccessor"}
	service := func(id Code, title, cause string, do ...string) Diagnosis {
		return Diagnosis{Code: id, Check: Access, Level: Fail, Exit: exitFailed, Title: title, Cause: cause, Do: do}
	}
	return []Diagnosis{
		audience, managed,
		refused(codeTokenExpired, "IAP finds the token expired, which by the clock of this machine it is not",
			"The clock of this machine is behind, or another program sends an old token.",
			"Set the clock.", "Try again."),
		refused(codeTokenStripped, "the token does not arrive at IAP",
			"Something on the way takes the Authorization header off: a proxy that opens TLS connections, or a load balancer or CDN in front of IAP.",
			"Reach the service without it: add {host} to NO_PROXY.", "Ask who runs it to let the header through."),
		refused(codeTokenRefused, "IAP refuses the token of {email}, also a new one",
			"IAP does not say why in words that are known here.",
			"Sign in again.", "The owner of the service looks at IAP's audit log."),
		level, role,
		service(codeService401, "IAP lets {email} in, and the service itself answers 401",
			"It wants credentials of its own. This is not about IAP or your session.",
			"Send what the service wants in an Authorization header (-H); the token for IAP then goes in another one, by itself.",
			"Ask the owner of the service."),
		service(codeService403, "IAP lets {email} in, and the service itself answers 403",
			"It knows who you are, and does not let you do this. This is not about IAP or your session.",
			"Ask the owner of the service for access in the service."),
		service(codeServiceError, "IAP lets {email} in, and the service answers {status}",
			"The path is wrong, or the service has a fault. This is not about IAP or your session.",
			"See whether the path is right.", "Look at the service."),
	}
}
