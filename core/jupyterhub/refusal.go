package jupyterhub

import "github.com/tokentoss/tokentoss/core/fault"

// A refusal is the service's own, and not the provider's.
type refusal struct {
	code string
	err  fault.Error
}

func (r *refusal) Error() string { return r.err.Error() }

// passes tells whether the same may be asked again.
func (r *refusal) passes() bool { return r.code == HubFails }

// Unwrap returns the error of the house.
func (r *refusal) Unwrap() error { return &r.err }

func (s *Service) refusal(code string) error {
	e := fault.Error{Subject: s.subject(), Kind: fault.Refused}
	admin := fault.Ask.On("the hub's administrator")
	switch code {
	case NotAllowed:
		e.Problem = "the token of this server lacks the scope access:services!service=" + Name
		e.Remedy = fault.Ask.To("the hub's administrator", "for the scope, which the roles user and server both need; then start the server anew")
	case Unknown:
		e.Problem = "this sign-in has expired there, or the service was started anew"
		e.Remedy = fault.SignIn.On("")
	case OtherClient:
		s.Forget()
		e.Problem = "the hub has another OAuth client by now"
		e.Remedy = fault.Say("restart the kernel, and sign in again")
	case HubFails:
		e.Kind, e.Problem = fault.ProviderBusy, "the hub does not say whose the token is"
	default:
		e.Problem, e.Remedy = "it does not take the request", admin
	}
	return &refusal{code, e}
}
