package doctor

import "slices"

// What can be the matter on the way to a service, or to the provider.
const (
	codePlainHTTP         Code = "plain-http"
	codeBadAddress        Code = "bad-address"
	codeNotATarget        Code = "not-a-target"
	codeNameUnknown       Code = "name-unknown"
	codeNameServer        Code = "name-server"
	codeConnectionRefused Code = "connection-refused"
	codeNoAnswer          Code = "no-answer"
	codeUnreachable       Code = "unreachable"
	codeBrokenOff         Code = "broken-off"
	codeTLSName           Code = "tls-name"
	codeTLSExpired        Code = "tls-expired"
	codeTLSNotYet         Code = "tls-not-yet"
	codeTLSAuthority      Code = "tls-authority"
	codeTLSRefused        Code = "tls-refused"
	codeNoTLS             Code = "no-tls"
	codeProxyVariable     Code = "proxy-variable"
	codeProxyUnreachable  Code = "proxy-unreachable"
	codeProxySignIn       Code = "proxy-sign-in"
	codeProxyRefuses      Code = "proxy-refuses"
	codeProxyClearText    Code = "proxy-clear-text"
	codeCaptivePortal     Code = "captive-portal"
)

func networkDiagnoses() []Diagnosis {
	return slices.Concat(addressDiagnoses(), connectionDiagnoses(), tlsDiagnoses(), proxyDiagnoses())
}

func fail(id Code, title, cause string, do ...string) Diagnosis {
	return Diagnosis{Code: id, Check: Network, Level: Fail, Exit: exitFailed, Title: title, Cause: cause, Do: do}
}

func addressDiagnoses() []Diagnosis {
	address := func(c Diagnosis) Diagnosis { c.Check = Address; return c }
	notATarget := address(fail(codeNotATarget, "{origin} is not among the targets of the profile",
		"The commands send the token to the URL that they are given; Go programs and notebooks send it to the targets in config.toml only.",
		"If programs are to reach it, add {origin} to targets.", "See whether the address is written right, if you meant one of the targets."))
	notATarget.Level, notATarget.Exit = Warn, 0
	return []Diagnosis{
		address(fail(codePlainHTTP, "{origin} is not https",
			"Anybody on the way could read the token, so that it is never sent over plain http.",
			"Use the https address of the service.", "For an emulator on this machine, set TOKENTOSS_INSECURE_LOOPBACK=1.")),
		address(fail(codeBadAddress, "the address of {host} cannot be used",
			"It is a pattern, or has characters that the name of a host cannot have.",
			"Write the address as it stands in a browser, a name that is not ASCII in its xn-- form.")),
		notATarget,
	}
}

func connectionDiagnoses() []Diagnosis {
	return []Diagnosis{
		fail(codeNameUnknown, "there is no host {host}",
			"The name is written wrong, is known only inside your organisation's network, or the service is gone.",
			"See whether the name is right.", "Connect to the VPN that the service needs.", "See whether this machine is online."),
		fail(codeNameServer, "the name {host} cannot be looked up now",
			"No name server answers: this machine is offline, or its DNS settings are wrong.",
			"See whether this machine is online."),
		fail(codeConnectionRefused, "{host} refuses the connection",
			"Nothing listens at that port: the port is wrong, or the service does not run.",
			"See whether host and port are right, and whether the service runs."),
		fail(codeNoAnswer, "{host} does not answer in time",
			"The service is stuck or far too slow, or a firewall drops what is sent to it.",
			"Connect to the VPN or the network from which the service is reached.", "Try again, with a longer --timeout.", "Look at the service."),
		fail(codeUnreachable, "no connection to {host}",
			"The network does not lead there.",
			"See whether this machine is online, and whether the service needs a VPN."),
		fail(codeBrokenOff, "the connection to {host} was cut before there was an answer",
			"The service crashed, or something on the way, such as a firewall, cut the connection.",
			"Try again.", "Look at the service, and ask who runs the network."),
	}
}

func tlsDiagnoses() []Diagnosis {
	return []Diagnosis{
		fail(codeTLSName, "the certificate of {host} is for another name",
			"The address is not the one that the service has its certificate for, the load balancer has no certificate for it yet, or somebody else answers. "+
				"Nothing was sent.",
			"Use the name that is in the certificate.", "The owner of the service adds {host} to the certificate of the load balancer."),
		fail(codeTLSExpired, "the certificate of {host} has expired",
			"It was not renewed, or the clock of this machine is ahead. Nothing was sent.",
			"See whether the clock is right.", "The owner of the service renews the certificate."),
		fail(codeTLSNotYet, "the certificate of {host} is not valid yet",
			"The clock of this machine is behind, or the certificate is of the future. Nothing was sent.",
			"See whether the clock is right."),
		fail(codeTLSAuthority, "the certificate of {host} is from an authority that this machine does not know",
			"A proxy or a virus scanner of your organisation opens TLS connections and signs with a certificate of its own; or a hotel's network wants a "+
				"sign-in first; or the service has a certificate that it made itself. Nothing was sent.",
			"Add your organisation's authority to those of this system, or name its file in SSL_CERT_FILE.",
			"Open any page in a browser and sign in to the network.", "The owner of the service gets a certificate of a public authority."),
		fail(codeTLSRefused, "{host} breaks off the TLS handshake",
			"It wants a client certificate (mutual TLS), an older or newer version of TLS, or does not know the name that it was asked for.",
			"See whether the address is right.", "Ask the owner of the service what it wants; mutual TLS is not supported."),
		fail(codeNoTLS, "{host} does not speak TLS",
			"The port is that of plain http, or something on the way answers in the service's place.",
			"See whether the port is right."),
	}
}

func proxyDiagnoses() []Diagnosis {
	return []Diagnosis{
		fail(codeProxyVariable, "an environment variable names the forward proxy, and is not the URL of one",
			"Most often its password has characters that must be escaped. Nothing was sent, neither by the proxy nor without it.",
			"Write it as http://user:password@proxy.example:3128, and characters such as @, :, /, # and % of the password as %40, %3A, %2F, %23 and %25."),
		fail(codeProxyUnreachable, "the forward proxy {proxy} cannot be reached",
			"HTTPS_PROXY names it, and it is not there: its name or port is wrong, or this machine is on another network than usual.",
			"Correct HTTPS_PROXY, or unset it where no proxy is needed.", "If {host} is reached without it, add the host to NO_PROXY."),
		fail(codeProxySignIn, "the forward proxy {proxy} wants a sign-in of its own (407)",
			"HTTPS_PROXY has no user name and password, or not the right ones. That has nothing to do with IAP.",
			"Put them into HTTPS_PROXY, like http://USER:PASSWORD@PROXY:PORT.", "If {host} is reached without it, add the host to NO_PROXY."),
		fail(codeProxyRefuses, "the forward proxy {proxy} does not lead to {host}: {status}",
			"The proxy's rules do not allow this host, or the proxy cannot reach it.",
			"Ask who runs the proxy to allow {host}.", "If {host} is reached without it, add the host to NO_PROXY."),
		fail(codeProxyClearText, "the way to {host} leads through the forward proxy {proxy} in clear text",
			"HTTP_PROXY holds for plain http, and the proxy would read the token. Nothing is sent.",
			"Use https.", "Add {host} to NO_PROXY."),
		fail(codeCaptivePortal, "something on the way to {host} answers in its place",
			"A network that wants a sign-in on a page of its own (hotel, train, guest Wi-Fi), or a proxy that shows one.",
			"Open any page in a browser, sign in to the network, and try again."),
	}
}
