package wire

import (
	"errors"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/core/oidc"
	"github.com/tokentoss/tokentoss/plugins/internal/pb"
)

// fromProblems adds the errors of package core that say more than what they are.
func fromProblems(m *pb.Error, err error) {
	var provider *oidc.ProviderError
	if errors.As(err, &provider) {
		m.Provider = &pb.ProviderProblem{
			Endpoint: Text(provider.Endpoint), Host: Text(provider.Host), Status: int32(provider.Status), Code: Text(provider.Code),
			Subtype: Text(provider.Subtype), Problem: errorText(provider.Problem), Offline: provider.Offline, RetryAfter: fromDuration(provider.RetryAfter),
			Next: errorText(provider.Next.String()), Remedy: fromRemedy(provider.Next),
		}
		if provider.Kind != "" {
			m.Provider.Kind = pb.Reason(provider.Kind.Row().Reason)
		}
	}
	var clock *oidc.ClockError
	if errors.As(err, &clock) {
		m.Clock = &pb.ClockProblem{Claim: Text(clock.Claim), Offset: fromDuration(clock.Offset)}
	}
}

// toProblems returns those errors.
func toProblems(m *pb.Error) []error {
	var list []error
	if p := m.GetProvider(); p != nil {
		list = append(list, &oidc.ProviderError{
			Endpoint: p.GetEndpoint(), Host: p.GetHost(), Status: int(p.GetStatus()), Code: p.GetCode(),
			Subtype: p.GetSubtype(), Problem: p.GetProblem(), Offline: p.GetOffline(), RetryAfter: toDuration(p.GetRetryAfter()),
			Kind: fault.OfReason(int32(p.GetKind())), Next: toRemedy(p.GetRemedy(), p.GetNext()),
		})
	}
	if c := m.GetClock(); c != nil {
		list = append(list, &oidc.ClockError{Claim: c.GetClaim(), Offset: toDuration(c.GetOffset())})
	}
	return list
}

// fromRemedy sends what to do next as data.
func fromRemedy(r fault.Remedy) *pb.Remedy {
	if r.IsZero() {
		return nil
	}
	return &pb.Remedy{
		Action: Text(string(r.Action)), Subject: errorText(r.Subject), Value: errorText(r.Value), After: fromDuration(r.After),
		Text: errorText(r.Text), From: Text(r.From),
	}
}

// toRemedy returns what to do next: that of a plugin that was built before there was
// data for it is a text.
func toRemedy(m *pb.Remedy, hint string) fault.Remedy {
	if m == nil {
		return fault.Remedy{Text: hint}
	}
	r := fault.Remedy{
		Action: fault.Action(m.GetAction()), Subject: m.GetSubject(), Value: m.GetValue(), After: toDuration(m.GetAfter()),
		Text: m.GetText(), From: m.GetFrom(),
	}
	if r.Text == "" && !r.Action.Known() { // of a newer version
		r.Text = hint
	}
	return r
}

func fromDuration(d time.Duration) *durationpb.Duration {
	if d == 0 {
		return nil
	}
	return durationpb.New(d)
}

func toDuration(d *durationpb.Duration) time.Duration {
	if d == nil {
		return 0
	}
	return d.AsDuration()
}
