package host

import "github.com/tokentoss/tokentoss/plugins"

// bundled are the plugins that are a part of tokentoss-host. They are loaded as
// any other, from a second process of it.
func bundled() []plugins.Plugin { return nil }
