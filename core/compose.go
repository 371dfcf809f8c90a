package core

// Compose returns a store that has the methods of s and, beside them, the powers
// that are not nil, whatever else s may have. A store that stands for another one
// (in another process, or under a layer of encryption) uses it, so that it has
// just the powers that the other has: callers find them by type assertion, and one
// that is claimed and then fails would be worse than none.
//
// [Checker], [SetAsider], [Locator], [Protector] and [io.Closer] have an answer
// that means "cannot tell" or "nothing to do", so that base may always have them.
func Compose(base ComposeBase, lock Locker, list Lister) TokenStore {
	switch {
	case lock != nil && list != nil:
		return struct {
			ComposeBase
			Locker
			Lister
		}{base, lock, list}
	case lock != nil:
		return struct {
			ComposeBase
			Locker
		}{base, lock}
	case list != nil:
		return struct {
			ComposeBase
			Lister
		}{base, list}
	}
	return struct{ ComposeBase }{base}
}

// A ComposeBase is what every store of [Compose] can do.
type ComposeBase interface {
	TokenStore
	Checker
	SetAsider
	Locator
	Protector
	Close() error
}
