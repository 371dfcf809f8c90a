package environment

// ReattachVariable has tokentoss use plugins that run already, under a debugger, in
// place of those of their names: a JSON object of a [Reattach] by name. Such a plugin is
// not checked and not ended.
const ReattachVariable = "TOKENTOSS_PLUGIN_REATTACH"

// A Reattach says where a plugin that runs already listens.
type Reattach struct {
	Network  string `json:"network"`
	Address  string `json:"address"`
	Protocol int    `json:"protocol"`
}
