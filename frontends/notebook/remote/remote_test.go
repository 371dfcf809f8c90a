package remote_test

import (
	"testing"

	"github.com/tokentoss/tokentoss/frontends/notebook/remote"
)

func TestLikely(t *testing.T) {
	for _, d := range []struct {
		where string
		env   map[string]string
		want  bool
	}{
		{"nothing", nil, false},
		{"a desktop", map[string]string{"DISPLAY": ":0", "HOME": "/home/ada", "TERM_PROGRAM": "vscode", "VSCODE_PID": "1"}, false},
		{"a local Jupyter", map[string]string{"JPY_PARENT_PID": "7", "JPY_SESSION_NAME": "/home/ada/a.ipynb"}, false},
		{"empty means unset", map[string]string{"SSH_CONNECTION": ""}, false},
		{"said not to be", map[string]string{"CODESPACES": "false"}, false},
		{"SSH", map[string]string{"SSH_CONNECTION": "192.0.2.1 50000 192.0.2.2 22"}, true},
		{"JupyterHub", map[string]string{"JUPYTERHUB_API_URL": "http://127.0.0.1:8081/hub/api"}, true},
		{"JupyterHub, by its prefix", map[string]string{"JUPYTERHUB_SERVICE_PREFIX": "/user/ada/"}, true},
		{"Codespaces", map[string]string{"CODESPACES": "true"}, true},
		{"Colab", map[string]string{"COLAB_RELEASE_TAG": "release-colab-1"}, true},
		{"Colab without a GPU", map[string]string{"COLAB_GPU": "", "COLAB_BACKEND_VERSION": "next"}, true},
		{"VS Code over SSH", map[string]string{"VSCODE_IPC_HOOK_CLI": "/run/user/1000/vscode-ipc.sock"}, true},
		{"a dev container", map[string]string{"REMOTE_CONTAINERS": "true"}, true},
		{"Cloud Shell", map[string]string{"CLOUD_SHELL": "true"}, true},
	} {
		t.Run(d.where, func(t *testing.T) {
			if got := remote.Likely(func(name string) string { return d.env[name] }); got != d.want {
				t.Errorf("Likely is %t, want %t", got, d.want)
			}
		})
	}
}
