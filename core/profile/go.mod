module github.com/tokentoss/tokentoss/core/profile

go 1.26.0

require (
	github.com/pelletier/go-toml/v2 v2.4.3
	github.com/tokentoss/tokentoss/core v0.1.0
	github.com/tokentoss/tokentoss/stores/file v0.1.0
)

require (
	github.com/gofrs/flock v0.13.2 // indirect
	golang.org/x/oauth2 v0.37.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
)
