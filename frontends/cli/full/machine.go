package full

import (
	"errors"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/googleid/machine"
	"github.com/tokentoss/tokentoss/frontends/cli"
	"github.com/tokentoss/tokentoss/profile"
)

// openFlow opens the flow of a machine's profile.
func openFlow(in *cli.Invocation, s profile.Settings) (core.Flow, error) {
	f, err := machine.New(machine.Options{
		Flow: s.Flow, Audience: s.Audience, KeyFile: s.KeyFile, Account: s.ServiceAccount, Delegates: s.Delegates,
		Issuer: s.Issuer, InsecureLoopback: s.InsecureLoopback, Logger: in.Logger(),
	})
	var wrong *machine.OptionError
	switch {
	case errors.As(err, &wrong):
		return nil, &profile.SettingError{Key: wrong.Name, Err: errors.New(wrong.Problem)}
	case err != nil:
		return nil, err
	}
	return f, nil
}
