module github.com/tokentoss/tokentoss/frontends/notebook/gonb

go 1.26.0

require (
	github.com/janpfeifer/gonb v0.11.4
	github.com/tokentoss/tokentoss v0.1.0
	github.com/tokentoss/tokentoss/frontends v0.1.0
	go.uber.org/goleak v1.3.0
	golang.org/x/sys v0.50.0
)

require (
	github.com/go-logr/logr v1.4.2 // indirect
	github.com/gofrs/flock v0.13.2 // indirect
	github.com/gofrs/uuid v4.4.0+incompatible // indirect
	github.com/pelletier/go-toml/v2 v2.4.3 // indirect
	github.com/pkg/errors v0.9.1 // indirect
	golang.org/x/exp v0.0.0-20250106191152-7588d65b2ba8 // indirect
	golang.org/x/oauth2 v0.37.0 // indirect
	k8s.io/klog/v2 v2.130.1 // indirect
)
