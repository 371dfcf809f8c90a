package wire

import (
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/plugins/internal/pb"
)

// FromTime returns the message for t; the zero time is none.
func FromTime(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}

// ToTime returns the time of a message; none is the zero time.
func ToTime(t *timestamppb.Timestamp) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.AsTime()
}

// FromRecord returns the message for r.
func FromRecord(r core.Record) *pb.Record { return &pb.Record{Data: r.Data, Revision: r.Revision} }

// ToRecord returns the record of a message.
func ToRecord(m *pb.Record) core.Record {
	return core.Record{Data: m.GetData(), Revision: m.GetRevision()}
}

// FromAppStatus returns the message for s.
func FromAppStatus(s core.Status) *pb.Status {
	return &pb.Status{
		State: string(s.State), Email: s.Email, Subject: s.Subject, HostedDomain: s.HostedDomain, Issuer: s.Issuer,
		ClientId: s.ClientID, Scopes: s.Scopes, SignedInAt: FromTime(s.SignedInAt), TokenExpiry: FromTime(s.TokenExpiry),
		SessionEnds: FromTime(s.SessionEnds), Refreshable: s.Refreshable, Reason: s.Reason, Machine: s.Machine,
		PreferredUsername: s.PreferredUsername,
	}
}

// ToAppStatus returns the status of a message.
func ToAppStatus(m *pb.Status) core.Status {
	return core.Status{
		State: core.State(m.GetState()), Email: m.GetEmail(), Subject: m.GetSubject(), HostedDomain: m.GetHostedDomain(),
		Issuer: m.GetIssuer(), ClientID: m.GetClientId(), Scopes: m.GetScopes(), SignedInAt: ToTime(m.GetSignedInAt()),
		TokenExpiry: ToTime(m.GetTokenExpiry()), SessionEnds: ToTime(m.GetSessionEnds()), Refreshable: m.GetRefreshable(),
		Reason: m.GetReason(), Machine: m.GetMachine(), PreferredUsername: m.GetPreferredUsername(),
	}
}

// FromIDToken returns the message for t.
func FromIDToken(t core.IDToken) *pb.IDToken {
	return &pb.IDToken{
		Value: t.Value.Reveal(), Issuer: t.Issuer, Subject: t.Subject, Email: t.Email, Audience: t.Audience,
		IssuedAt: FromTime(t.IssuedAt), Expiry: FromTime(t.Expiry), Generation: t.Generation,
	}
}

// ToIDToken returns the token of a message.
func ToIDToken(m *pb.IDToken) core.IDToken {
	return core.IDToken{
		Value: core.Secret(m.GetValue()), Issuer: m.GetIssuer(), Subject: m.GetSubject(), Email: m.GetEmail(),
		Audience: m.GetAudience(), IssuedAt: ToTime(m.GetIssuedAt()), Expiry: ToTime(m.GetExpiry()), Generation: m.GetGeneration(),
	}
}

// FromClientSecrets returns the message for c. It goes from a frontend to the
// host and never back.
func FromClientSecrets(c core.ClientSecrets) *pb.ClientSecrets {
	return &pb.ClientSecrets{
		ClientId: c.ClientID, ClientSecret: c.ClientSecret.Reveal(), ProjectId: c.ProjectID, Web: c.Web,
		RedirectUris: c.RedirectURIs, AuthUri: c.AuthURI, TokenUri: c.TokenURI,
	}
}

// ToClientSecrets returns the client of a message.
func ToClientSecrets(m *pb.ClientSecrets) core.ClientSecrets {
	return core.ClientSecrets{
		ClientID: m.GetClientId(), ClientSecret: core.Secret(m.GetClientSecret()), ProjectID: m.GetProjectId(), Web: m.GetWeb(),
		RedirectURIs: m.GetRedirectUris(), AuthURI: m.GetAuthUri(), TokenURI: m.GetTokenUri(),
	}
}

// FromPrompt returns the message for p, without its ids.
func FromPrompt(p core.Prompt) *pb.Prompt {
	return &pb.Prompt{
		Url: p.URL, Code: p.Code, RedirectUrl: p.RedirectURL, Deadline: FromTime(p.Deadline), Problem: p.Problem,
	}
}

// ToPrompt returns the prompt of a message.
func ToPrompt(m *pb.Prompt) core.Prompt {
	return core.Prompt{
		URL: m.GetUrl(), Code: m.GetCode(), RedirectURL: m.GetRedirectUrl(), Deadline: ToTime(m.GetDeadline()), Problem: m.GetProblem(),
	}
}
