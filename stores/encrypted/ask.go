package encrypted

import (
	"context"
	"errors"
	"fmt"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
)

// An Ask asks a person a question whose answer must not be seen. It returns an
// error when there is nobody to ask or the person does not answer.
type Ask func(ctx context.Context, question string) (core.Secret, error)

// maxTries is how often a passphrase may be wrong.
const maxTries = 3

// errWrong is a passphrase that does not open what it was given for.
var errWrong = errors.New("wrong passphrase")

// unlock asks for the passphrase of subject until open takes one, at most
// maxTries times. Other errors of open end it.
func (ask Ask) unlock(ctx context.Context, subject string, open func(passphrase core.Secret) error) error {
	question := "Passphrase for " + subject
	for range maxTries {
		passphrase, err := ask.secret(ctx, subject, question)
		if err != nil {
			return err
		}
		if err := open(passphrase); !errors.Is(err, errWrong) {
			return err
		}
		question = "Wrong. Passphrase for " + subject
	}
	return &core.Error{
		Subject: subject, Kind: core.ErrSealed, Problem: fmt.Sprintf("the passphrase was wrong %d times", maxTries),
		Remedy: fault.Unlock.On(subject),
	}
}

// choose asks for a new passphrase of subject, twice, until both are the same.
func (ask Ask) choose(ctx context.Context, subject string) (core.Secret, error) {
	question := "New passphrase for " + subject
	for range maxTries {
		first, err := ask.secret(ctx, subject, question)
		if err != nil {
			return "", err
		}
		second, err := ask.secret(ctx, subject, "The same passphrase again")
		if err != nil {
			return "", err
		}
		if first == second {
			return first, nil
		}
		question = "They differ. New passphrase for " + subject
	}
	return "", &core.Error{Subject: subject, Kind: core.ErrSealed, Problem: "no passphrase was chosen", Remedy: fault.Unlock.On(subject)}
}

// secret asks one question.
func (ask Ask) secret(ctx context.Context, subject, question string) (core.Secret, error) {
	refused := &core.Error{
		Subject: subject, Kind: core.ErrSealed, Problem: "it has a passphrase",
		Remedy: fault.Unlock.On(subject),
	}
	if ask == nil {
		refused.Problem += ", and there is nobody to ask for it"
		return "", refused
	}
	answer, err := ask(ctx, question)
	switch {
	case errors.Is(err, core.ErrSealed): // and says so
		refused.Kind, refused.Err = "", err
		return "", refused
	case err != nil:
		refused.Err = err
		return "", refused
	case answer == "":
		refused.Problem += ", and none was given"
		return "", refused
	}
	return answer, nil
}
