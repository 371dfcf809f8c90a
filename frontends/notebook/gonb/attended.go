package gonb

import (
	"strconv"

	"github.com/janpfeifer/gonb/gonbui/protocol"
)

// nonInteractive is what people set where nobody is to be asked.
const nonInteractive = "TOKENTOSS_NON_INTERACTIVE"

// unattended returns why there is nobody to ask, or nothing where there may be a
// person. A kernel cannot ask the front end that: the request that runs a cell says
// whether input can be asked for, and GoNB does not pass it on. But a front end with
// people runs its kernels by a Jupyter server, which names them; those that run whole
// notebooks (nbconvert, papermill) start a kernel of their own, without a name.
func unattended(getenv func(string) string) string {
	if never, err := strconv.ParseBool(getenv(nonInteractive)); err == nil && never {
		return nonInteractive + " is set"
	}
	if getenv(protocol.GONB_PIPE_ENV) == "" {
		return "this program is not a cell of a GoNB notebook"
	}
	if getenv(protocol.GONB_JUPYTER_KERNEL_ID_ENV) == "" && !inEditor(getenv) {
		return "this notebook runs by itself"
	}
	return ""
}

// widgetMayWork tells whether GoNB's channel can reach the browser. GoNB builds the
// channel's address of the page's host and the kernel's name alone: not in an editor,
// whose page is on no server, and not below the base URL of a hub.
func widgetMayWork(getenv func(string) string) bool {
	return getenv(protocol.GONB_JUPYTER_KERNEL_ID_ENV) != "" && !inEditor(getenv) &&
		len(getenv("JUPYTERHUB_SERVICE_PREFIX")) <= len("/")
}

// inEditor tells whether the kernel is one of VS Code or Colab.
func inEditor(getenv func(string) string) bool {
	return getenv("VSCODE_PID") != "" || getenv("COLAB_RELEASE_TAG") != ""
}
