package full

import (
	"errors"
	"os"
	"strconv"
	"strings"

	"github.com/tokentoss/tokentoss/frontends/cli"
	"github.com/tokentoss/tokentoss/frontends/http/loopback"
	"github.com/tokentoss/tokentoss/plugins/environment"
)

const (
	// firstSocket is the descriptor of the first socket, here and in a plugin.
	firstSocket = 3

	// metricsSocket is the FileDescriptorName= of a socket for metrics.
	metricsSocket = "metrics"
)

// sockets are those that a service manager has opened for this process, as
// sd_listen_fds(3) says: the name of each, from descriptor 3 on; "" where it has none.
type sockets []string

// takeSockets takes them. The variables that tell of them, and they themselves, go to no
// child but the one that is to have them.
func takeSockets() (sockets, error) {
	pid, count, names := os.Getenv("LISTEN_PID"), os.Getenv("LISTEN_FDS"), os.Getenv("LISTEN_FDNAMES")
	for _, name := range []string{"LISTEN_PID", "LISTEN_PIDFDID", "LISTEN_FDS", "LISTEN_FDNAMES"} {
		_ = os.Unsetenv(name)
	}
	if pid != strconv.Itoa(os.Getpid()) { // they were a parent's
		return nil, nil
	}
	environment.KeepFiles()
	n, err := strconv.ParseUint(count, 10, 8)
	if err != nil {
		return nil, cli.Usage("correct the unit of the socket", "LISTEN_FDS=%s is no number of sockets", count)
	}
	if list := strings.Split(names, ":"); names != "" && len(list) == int(n) {
		return list, nil
	}
	return make(sockets, n), nil
}

// files are for a process that is to have the sockets at the same descriptors.
func (s sockets) files() []*os.File {
	var files []*os.File
	for i := range s {
		files = append(files, os.NewFile(uintptr(firstSocket+i), "socket"))
	}
	return files
}

// listen puts the sockets into the settings of a server. Those of the name metrics are for
// metrics; the others, which have one name, are for the server itself.
func (s sockets) listen(settings map[string]any) error {
	var own, metrics []int
	name := ""
	for i := range s {
		switch fd := firstSocket + i; {
		case s[i] == metricsSocket:
			metrics = append(metrics, fd)
			continue
		case len(own) > 0 && name == "":
			return cli.Usage("name them: --fdname= of systemd-socket-activate, or FileDescriptorName= of their units", "this program was given several sockets without names")
		case len(own) > 0 && s[i] != name:
			return cli.Usage("give those for metrics FileDescriptorName="+metricsSocket+", and the others one name",
				"this program was given sockets of the names %q and %q, and serves those of one", name, s[i])
		default:
			own, name = append(own, fd), s[i]
		}
	}
	return errors.Join(give(settings, "listen", own), give(settings, "metrics_listen", metrics))
}

// give sets an address to sockets, if there are any.
func give(settings map[string]any, setting string, descriptors []int) error {
	switch said, _ := settings[setting].(string); {
	case loopback.IsGiven(said):
		return cli.Usage("set an address such as localhost:8080", "%s: %q is no address", setting, said)
	case len(descriptors) == 0:
	case said != "":
		return cli.Usage("leave one of the two out", "%s is %s, and this program was given a socket as well", setting, said)
	default:
		settings[setting] = loopback.Given(descriptors...)
	}
	return nil
}
