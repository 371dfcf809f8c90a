// Package remote guesses whether a person's browser is on another machine than
// this process, so that the browser does not reach a loopback address here.
package remote

// variables are set where a session on this machine comes from elsewhere.
var variables = []string{
	"SSH_CONNECTION", // sshd(8)

	// JupyterHub sets these for the servers that it starts; Binder is one.
	// https://jupyterhub.readthedocs.io/en/stable/reference/spawners.html
	"JUPYTERHUB_API_URL", "JUPYTERHUB_SERVICE_PREFIX", "JUPYTERHUB_USER",

	// https://docs.github.com/en/codespaces/developing-in-a-codespace/default-environment-variables-for-your-codespace
	"CODESPACES", "CODESPACE_NAME",

	"COLAB_RELEASE_TAG", "COLAB_BACKEND_VERSION", "COLAB_GPU", // Google Colab

	// Visual Studio Code's server, which its window on another machine started:
	// over SSH, in a container, or behind a tunnel.
	"VSCODE_IPC_HOOK_CLI", "VSCODE_AGENT_FOLDER", "REMOTE_CONTAINERS",

	"CLOUD_SHELL", // Google Cloud Shell
}

// Likely tells whether an environment is that of a remote session. It is a guess
// that nothing but convenience may depend on. getenv is that of package os.
func Likely(getenv func(string) string) bool {
	for _, name := range variables {
		if v := getenv(name); v != "" && v != "false" && v != "0" {
			return true
		}
	}
	return false
}
