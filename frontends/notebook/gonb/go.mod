module github.com/tokentoss/tokentoss/frontends/notebook/gonb

go 1.26.0

require (
	github.com/janpfeifer/gonb v0.11.4
	github.com/tokentoss/tokentoss/core v0.1.0
	github.com/tokentoss/tokentoss/core/profile v0.1.0
	github.com/tokentoss/tokentoss/frontends/notebook v0.1.0
	go.uber.org/goleak v1.3.0
	golang.org/x/sys v0.50.0
)
