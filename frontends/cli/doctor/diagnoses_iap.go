package doctor

// What can be the matter in front of a service.
const (
	codeNotBehindIAP     Code = "not-behind-iap"
	codeServiceSignIn    Code = "service-sign-in"
	codeCloudRunIAM      Code = "cloud-run-iam"
	codeRedirectLoop     Code = "redirect-loop"
	codeRedirectInsecure Code = "redirect-insecure"
	codeRedirectAway     Code = "redirect-away"
	codeBackendDown      Code = "backend-down"
	codeNoRoute          Code = "no-route"
	codeSecurityPolicy   Code = "security-policy"
	codeOtherIdentities  Code = "other-identities"
	codeNoIAPClient      Code = "no-iap-client"
	codeIAPQuota         Code = "iap-quota"
	codeIAPErrorCode     Code = "iap-error-code"
	codeIAPFault         Code = "iap-fault"
)

func iapDiagnoses() []Diagnosis {
	found := func(id Code, level Level, exit int, title, cause string, do ...string) Diagnosis {
		return Diagnosis{Code: id, Check: IAP, Level: level, Exit: exit, Title: title, Cause: cause, Do: do}
	}
	cloudRun := found(codeCloudRunIAM, Fail, exitFailed, "Cloud Run itself refuses the request to {host}, not IAP",
		"IAP is not turned on for this service, which wants the role run.invoker instead; or IAP is on the load balancer, and the run.app address goes around it.",
		"Use the address of the load balancer, if there is one.", "The owner of the service turns IAP on for it.")
	cloudRun.Commands = []string{"gcloud run services update {service} --region={region} --iap"}
	noClient := found(codeNoIAPClient, Fail, exitRefused, "IAP has no OAuth client of its own for {host}",
		"Its project is in no organisation, for which there is no Google-managed client, and no other client was set; or a client was set without its secret.",
		"The owner of the service sets an OAuth client for IAP (\"Custom OAuth\" in the settings of the service on IAP's page in the console).")
	away := found(codeRedirectAway, Warn, 0, "{origin} sends everybody on to {next}",
		"The service has another address, or its sign-in page is elsewhere. The token does not go along.",
		"Use the other address.")
	away.Commands = []string{"tokentoss doctor {next}"}
	return []Diagnosis{
		found(codeNotBehindIAP, Warn, 0, "{host} is not behind IAP: it answers {status} to everybody",
			"IAP is not turned on for it or for this path, or the address goes around the load balancer on which it is. The token was not sent.",
			"If nobody needs to sign in there, all is well.", "Use the address that IAP guards.", "The owner of the service turns IAP on, and closes other ways to it."),
		found(codeServiceSignIn, Fail, exitFailed, "{host} signs people in by itself, not by IAP",
			"It sends browsers to {login_host}, and the answer is not marked as IAP's. A token for IAP is of no use there.",
			"Use the credentials that the service wants."),
		cloudRun,
		found(codeRedirectLoop, Fail, exitFailed, "{host} redirects in circles",
			"The service, or the load balancer, sends to an address that sends back. Often the service sends to https what it was asked over https, since it sees "+
				"the plain http of the load balancer and does not look at X-Forwarded-Proto.",
			"The owner of the service looks at its redirects."),
		found(codeRedirectInsecure, Fail, exitFailed, "{origin} redirects to {next}, which is not https",
			"The service makes addresses of the plain http that it sees behind its load balancer. The token does not go there.",
			"The owner of the service has it look at X-Forwarded-Proto, or redirect to https."),
		away,
		found(codeBackendDown, Fail, exitFailed, "the load balancer in front of {host} reaches no backend: {status}",
			"No instance of the service is healthy, it takes longer than the backend service's timeout, or its firewall does not let the load balancer in.",
			"The owner of the service looks at its health checks, and at statusDetails in the load balancer's log."),
		found(codeNoRoute, Fail, exitFailed, "Google's front end knows no service at {host}: {status}",
			"The load balancer's URL map, or App Engine or Cloud Run, has nothing for this host or path; or the certificate and DNS are set, and the backend is not.",
			"See whether host and path are right.", "The owner of the service looks at the URL map."),
		found(codeSecurityPolicy, Fail, exitFailed, "a security policy of the load balancer refuses the request to {host}: {status}",
			"Google Cloud Armor has a rule against this address, region or kind of request. IAP was not asked.",
			"Use the network that the policy allows.", "The owner of the service looks at enforcedSecurityPolicy in the load balancer's log."),
		found(codeOtherIdentities, Fail, exitRefused, "IAP sends people to {login_host} to sign in, and not to {provider}",
			"The service takes identities of Identity Platform or of a workforce pool. With those, IAP takes no person's token from a program: only service accounts can.",
			"Use a service account.", "The owner of the service guards another address of it with Google identities.",
			"If {login_host} is the right place, configure a client of that provider."),
		noClient,
		found(codeIAPQuota, Fail, exitRefused, "IAP answers 429: too many requests",
			"The project of the service has used up IAP's quota (360,000 requests a minute).",
			"Wait a minute, and send fewer requests."),
		found(codeIAPErrorCode, Fail, exitRefused, "IAP answers with error code {code}",
			"{meaning}",
			"The owner of the service looks the code up: https://docs.cloud.google.com/iap/docs/faq#error_codes"),
		found(codeIAPFault, Fail, exitRefused, "IAP itself fails: {status}",
			"Google's service has a fault, or it cannot reach the service that it guards.",
			"Try again in a moment.", "Look at https://status.cloud.google.com."),
	}
}
