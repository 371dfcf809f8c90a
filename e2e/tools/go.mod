// What builds and checks tokentoss, and is no part of it.
module github.com/tokentoss/tokentoss/e2e/tools

go 1.26.0

require golang.org/x/mod v0.42.0
