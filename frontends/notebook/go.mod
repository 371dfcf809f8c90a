module github.com/tokentoss/tokentoss/frontends/notebook

go 1.26.0

require github.com/tokentoss/tokentoss/core v0.1.0
