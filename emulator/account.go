package emulator

import "slices"

// Accounts returns the people who can sign in, with the made-up fields filled.
func (e *Emulator) Accounts() []Account {
	return setting(e, func(s *settings) []Account { return slices.Clone(s.accounts) })
}

// AddAccount adds an account, or replaces the one with its address. What an account was given before shows it as it was then.
func (e *Emulator) AddAccount(a Account) error {
	if err := a.fill(); err != nil {
		return err
	}
	e.set(func(s *settings) { s.accounts = append(without(s.accounts, a.Email), a) })
	return nil
}

// RemoveAccount removes an account: it cannot sign in, IAP refuses it, and its refresh and access tokens end. An unknown one
// is not an error.
func (e *Emulator) RemoveAccount(email string) {
	a, ok := e.account(email)
	if !ok {
		return
	}
	e.set(func(s *settings) { s.accounts = without(s.accounts, email) })
	e.grants.revokeIf(func(g *grant) bool { return g.account.Sub == a.Sub })
}

// without returns a copy of accounts without one of them.
func without(accounts []Account, email string) []Account {
	return slices.DeleteFunc(slices.Clone(accounts), func(a Account) bool { return sameEmail(a.Email, email) })
}

func (e *Emulator) account(email string) (Account, bool) {
	accounts := e.Accounts()
	i := slices.IndexFunc(accounts, func(a Account) bool { return sameEmail(a.Email, email) })
	if i < 0 {
		return Account{}, false
	}
	return accounts[i], true
}
