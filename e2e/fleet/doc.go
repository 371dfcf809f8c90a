// Package fleet simulates many people who use one provider: the real sessions of package core,
// on a simulated clock. It asks what a provider sees of ten thousand who sign in together, and
// what they see of a provider that is down or says that it has enough.
//
// "go test" runs a small fleet; "make fleet" runs ten thousand people for a day, and draws
// docs/fleet/*.svg.
package fleet
