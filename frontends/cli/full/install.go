package full

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/tokentoss/tokentoss/core/privatefile"
	"github.com/tokentoss/tokentoss/frontends/cli"
	"github.com/tokentoss/tokentoss/profile"
)

// linkDirs are where the links are that tools call, below the home directory. A tool
// without one takes a command with arguments.
var linkDirs = map[string]string{
	"bazel": ".local/bin", "docker": ".local/bin", "git": "", "go": "", "keyring": ".local/bin", "pnpm": ".local/bin", "terraform": ".terraform.d/plugins",
}

// An installation is how a tool is made to ask tokentoss.
type installation struct {
	tool    string
	targets []*url.URL // of the profile; an example where there is none
	command string     // tokentoss credential TOOL, for the profile
	suffix  string     // of names, for the profile
	link    string     // its path
}

// Install makes the link that a tool calls, says what to set in the tool, on standard
// output, and how to undo both.
func (helpers) Install(_ context.Context, in *cli.Invocation, tool, dir string) error {
	i, err := newInstallation(in, tool, dir)
	if err != nil {
		return err
	}
	if i.link != "" {
		if err := i.makeLink(); err != nil {
			return err
		}
		in.Say("%s is %s now; to undo that, remove it", i.link, i.command)
	}
	where, lines, undo := i.setting()
	if where != "" {
		in.Say("write into %s:", where)
	}
	for _, line := range lines {
		fmt.Fprintln(in.Stdout, line)
	}
	if undo != "" {
		in.Say("to undo that: %s", undo)
	}
	if found, err := exec.LookPath(filepath.Base(i.link)); (tool == "docker" || tool == "keyring") && (err != nil || !isOurs(found)) {
		in.Warn("%s does not find it yet: put %s at the beginning of PATH", tool, filepath.Dir(i.link))
	}
	return nil
}

// newInstallation finds out what there is to do.
func newInstallation(in *cli.Invocation, tool, dir string) (*installation, error) {
	place, known := linkDirs[tool]
	if !known {
		return nil, cli.Usage("one of bazel, docker, git, go, keyring, pnpm, terraform; docs/helpers.md has more", "credential install: there is no tool %q", tool)
	}
	if place == "" && dir != "" {
		return nil, cli.Usage("leave --dir out", "credential install: %s takes a command, so that there is no link to make", tool)
	}
	config, err := configOf(in)
	if err != nil {
		return nil, err
	}
	s, err := config.SettingsOf(config.NameOr(in.String("profile")))
	if err != nil {
		return nil, err
	}
	i := &installation{tool: tool, command: in.ForProfile("tokentoss credential " + tool)}
	if name := in.String("profile"); name != "" {
		i.suffix = "-" + name
	}
	for _, text := range s.Targets {
		if u, err := url.Parse(text); err == nil && u.Host != "" {
			i.targets = append(i.targets, u)
		}
	}
	if len(i.targets) == 0 {
		in.Warn("the profile has no targets, to which alone the token is given: targets = [\"https://HOST\"] in %s", profile.ConfigName)
		i.targets = []*url.URL{{Scheme: "https", Host: "HOST"}}
	}
	if place == "" {
		return i, nil
	}
	if dir == "" {
		dir = "~/" + place
	}
	if dir, err = privatefile.Resolve(dir, ""); err != nil {
		return nil, err
	}
	i.link = filepath.Join(dir, cli.ToolNames[tool]+i.suffix)
	return i, i.checkLink()
}

func configOf(in *cli.Invocation) (*profile.Config, error) {
	dir, err := in.Dir()
	if err != nil {
		return nil, err
	}
	return profile.ReadConfig(dir)
}

// checkLink finds what the tool could not use.
func (i *installation) checkLink() error {
	switch {
	case runtime.GOOS == "windows" && i.tool == "terraform":
		return cli.Hinted(errors.New("OpenTofu and Terraform take no script for a helper on Windows, and links are not everybody's there"),
			"copy tokentoss.exe and tokentoss-host.exe into %APPDATA%\\terraform.d\\plugins, the first as "+filepath.Base(i.link)+".exe")
	case i.tool == "keyring" && i.suffix != "":
		return cli.Usage("leave --profile out", "credential install: the secret is the proxy's, whatever the profile")
	case i.tool == "pnpm" && strings.ContainsFunc(i.link, func(r rune) bool { return r <= ' ' || strings.ContainsRune(`"'$%&;|<>()*?~`+"`", r) }):
		return cli.Hinted(fmt.Errorf("pnpm does not take %s, for its spaces or signs", i.link), "another directory with --dir")
	}
	return nil
}

// setting returns what to write where, an empty where meaning a shell, and how to undo
// that.
func (i *installation) setting() (where string, lines []string, undo string) {
	add := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	switch i.tool {
	case "go":
		add("go env -w 'GOAUTH=%s;netrc'", i.command)
		return "", lines, "go env -u GOAUTH"
	case "docker":
		add(`{"credHelpers": {"127.0.0.1:8080": "tokentoss%s"}}`, i.suffix)
		return "config.json in ~/.docker, for the address of tokentoss proxy --listen localhost:8080 URL", lines, ""
	case "keyring":
		add("pip config set global.keyring-provider subprocess")
		add("export UV_KEYRING_PROVIDER=subprocess")
		return "", lines, "pip config unset global.keyring-provider"
	case "terraform":
		add(`credentials_helper "tokentoss%s" {}`, i.suffix)
		return "~/.tofurc or ~/.terraformrc", lines, ""
	}
	for _, u := range i.targets {
		switch i.tool {
		case "git":
			add("git config --global credential.%s.helper '!%s'", u, i.command)
			add("git config --global http.%s.proactiveAuth auto", u)
			undo = "git config --global --remove-section credential." + u.String() + ", and the same for http." + u.String()
		case "bazel":
			where = "~/.bazelrc"
			add("common --credential_helper=%s=%s", u.Hostname(), i.link)
		case "pnpm":
			where = "~/.npmrc"
			add("//%s/:tokenHelper=%s", u.Host, i.link)
		}
	}
	return where, lines, undo
}

// makeLink makes the link, or replaces one of tokentoss. On Windows, where links want
// a privilege, it is a script.
func (i *installation) makeLink() error {
	dir := filepath.Dir(i.link)
	if err := privatefile.MakeDir(dir, false); err != nil {
		return err
	}
	program, err := program()
	if err != nil {
		return err
	}
	if runtime.GOOS == "windows" {
		i.link += ".cmd"
	}
	switch _, err := os.Lstat(i.link); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	case !isOurs(i.link):
		return cli.Hinted(fmt.Errorf("%s is there already, and is not tokentoss's", i.link), "another directory with --dir; it must come first on PATH where the tool looks there")
	}
	made, err := os.MkdirTemp(dir, ".tokentoss-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(made)
	name := filepath.Join(made, "link")
	if runtime.GOOS == "windows" {
		err = os.WriteFile(name, []byte(i.script(program)), 0o600)
	} else {
		err = os.Symlink(program, name)
	}
	if err != nil {
		return err
	}
	return os.Rename(name, i.link)
}

// scriptMark begins a script that is a link.
const scriptMark = "@rem tokentoss credential\r\n"

// script is a script of Windows that does what the link does.
func (i *installation) script(program string) string {
	line := append([]string{`@"` + program + `"`}, strings.Fields(i.command)[1:]...)
	if i.tool == "keyring" { // whose options are its own
		line = append(line, "--")
	}
	return scriptMark + strings.ReplaceAll(strings.Join(line, " "), "%", "%%") + " %*\r\n"
}

// program returns the executable that a link leads to: the light one, by the name under
// which it is on PATH, which an update keeps.
func program() (string, error) {
	own := ownPrograms()
	if len(own) == 0 {
		return "", errors.New("this executable's own place is not known")
	}
	if found, err := exec.LookPath("tokentoss"); err == nil && filepath.IsAbs(found) && isAny(found, own) {
		return found, nil
	}
	return own[0], nil
}

// ownPrograms are the executables of this tokentoss, the light one first.
func ownPrograms() (list []string) {
	self, err := os.Executable()
	if err != nil {
		return nil
	}
	if real, err := filepath.EvalSymlinks(self); err == nil {
		self = real
	}
	light := filepath.Join(filepath.Dir(self), "tokentoss"+filepath.Ext(self))
	if _, err := os.Stat(light); err == nil && light != self {
		list = append(list, light)
	}
	return append(list, self)
}

// isOurs tells whether what is at path leads to a tokentoss: this one, one that was
// there before, or a script for it.
func isOurs(path string) bool {
	if isAny(path, ownPrograms()) {
		return true
	}
	if to, err := os.Readlink(path); err == nil {
		return slices.Contains([]string{"tokentoss", "tokentoss-host"}, filepath.Base(to))
	}
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	begin := make([]byte, len(scriptMark))
	n, _ := f.Read(begin)
	return string(begin[:n]) == scriptMark
}

// isAny tells whether path is one of the files of list.
func isAny(path string, list []string) bool {
	info, err := os.Stat(path)
	if err != nil {
		return false
	}
	return slices.ContainsFunc(list, func(other string) bool {
		o, err := os.Stat(other)
		return err == nil && os.SameFile(info, o)
	})
}
