package cli

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"github.com/tokentoss/tokentoss/core/authcode"
	"github.com/tokentoss/tokentoss/core/fault"
	lending "github.com/tokentoss/tokentoss/core/forward"
	"github.com/tokentoss/tokentoss/core/iap"
	"github.com/tokentoss/tokentoss/core/privatefile"
	"github.com/tokentoss/tokentoss/profile"
)

// hintFor returns what to do next about err, in a shell's words, or "".
func hintFor(err error) string {
	var unknown *profile.UnknownProfileError
	var store *profile.UnknownStoreError
	var port *authcode.PortError
	var refused *iap.RefusedError
	near := ""
	switch {
	case errors.As(err, &unknown):
		near = nearest(unknown.Name, unknown.Known)
	case errors.As(err, &store):
		near = nearest(store.Name, store.Known)
	case errors.As(err, &port):
		return "choose another port with --redirect-port, or leave it out for one that is free"
	case errors.As(err, &refused) && refused.OneShot:
		return "send the request again: the token was renewed, and its body is too large to be sent twice"
	case errors.Is(err, lending.ErrNoToken):
		return "tokentoss run -- COMMAND, get, curl and proxy have requests made there; for a token, leave --requests out over there"
	}
	if near != "" {
		return fault.DidYouMean.On(near).String()
	}
	kind, remedy := fault.Of(err), fault.RemedyOf(err)
	if kind == fault.NotConfigured && remedy == kind.Row().Remedy {
		// Where nothing can be kept, that comes first.
		if dir, err := profile.Dir(); err == nil {
			remedy = cmp.Or(privatefile.OwnerRemedy(dir), remedy)
		}
	}
	return remedyWords(remedy, kind)
}

// remedyWords says a remedy as a person in a shell can follow it. The kind is that
// of the fault.
func remedyWords(r fault.Remedy, kind fault.Kind) string {
	switch {
	case r.From != "":
		return "plugin " + r.From + " says: " + r.String()
	case r.Text != "":
		return r.Text
	}
	switch r.Action {
	case fault.SignIn:
		return signInWords(kind)
	case fault.Forget:
		return "tokentoss logout --local, then tokentoss login"
	case fault.Configure:
		return configureWords(kind)
	case fault.Unlock:
		return "run tokentoss status in a terminal, where it can ask for what unlocks " + cmp.Or(r.Subject, "it")
	case fault.CorrectSetting:
		if r.Value != "" {
			return fmt.Sprintf("set %s in %s to %s", r.Subject, profile.ConfigName, r.Value)
		}
		return fmt.Sprintf("correct %s in %s", r.Subject, profile.ConfigName)
	case fault.Retry:
		return retryWords(r.After, kind)
	case fault.CheckNetwork:
		return "check the network; the session is kept"
	case fault.SetClock:
		return "set the clock of this machine (timedatectl set-ntp true), then tokentoss login"
	case fault.AddProfile:
		return "tokentoss profile add " + r.Subject
	case fault.ListProfiles:
		return "tokentoss profile list"
	case fault.ListStores:
		return "tokentoss store list"
	case fault.ListPlugins:
		return "tokentoss plugin list"
	case fault.InstallPlugin:
		return "tokentoss plugin install " + cmp.Or(r.Subject, "PATH")
	case fault.DescribePlugin:
		return "edit " + profile.ConfigName + "; tokentoss plugin describe " + r.Subject + " shows what it may say"
	case fault.ShowLog:
		return "--verbose shows what it says"
	case fault.TrustProvider:
		return "if you trust another provider, name it with --issuer URL; its endpoints are then discovered, and those of the file are not used"
	case fault.AllowLoopback:
		return "for an emulator, set " + profile.EnvInsecureLoopback + "=1, or insecure_loopback = true in " + profile.ConfigName
	case fault.Run:
		return "run " + r.Subject
	case fault.Diagnose:
		return "tokentoss doctor"
	}
	return r.String()
}

func signInWords(kind fault.Kind) string {
	switch kind {
	case fault.Corrupt, fault.Insecure, fault.TooLarge:
		return "tokentoss login sets the file aside and makes a new one"
	case fault.Denied, fault.SignInTimeout:
		return "tokentoss login to try again"
	case fault.ProviderAnswer:
		return "tokentoss login to start over"
	}
	return "tokentoss login"
}

func configureWords(kind fault.Kind) string {
	switch kind {
	case fault.ClientRejected:
		return "the OAuth client is not what the provider knows: tokentoss configure --from client_secrets.json"
	case fault.BadToken:
		return "the OAuth client was changed? tokentoss configure, then tokentoss login"
	}
	return "tokentoss configure --from client_secrets.json"
}

func retryWords(after time.Duration, kind fault.Kind) string {
	text := fault.Remedy{Action: fault.Retry, After: after}.String()
	if kind == fault.ProviderBusy {
		text = "the session is kept; " + text
	}
	return text
}
