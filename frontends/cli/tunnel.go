package cli

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"
)

func (c *commands) tunnel() *cli.Command {
	return &cli.Command{
		Name: "tunnel", Usage: "reach a TCP port of a machine without a public address, through IAP", Category: "requests", ArgsUsage: "INSTANCE PORT",
		Description: "INSTANCE is a virtual machine, with --zone; or with --network and --region the address of a host\n" +
			"of that network. It needs an access token with the cloud-platform scope, in a profile of its own:\n" +
			"  tokentoss profile add cloud --scope https://www.googleapis.com/auth/cloud-platform",
		Flags: append(tunnelFlags(),
			&cli.StringFlag{Name: "listen", Usage: "listen on `ADDR` of this machine", DefaultText: "a free port"},
			&cli.BoolFlag{Name: "stdio", Usage: "one connection, from standard input to standard output: for ssh"},
		),
		Action: c.heavy(1, 2, tunnel),
	}
}

// tunnelFlags are what a tunnel goes to. gcloud's own variables are understood, too.
func tunnelFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "project", Usage: "the `ID` of the project", DefaultText: "$CLOUDSDK_CORE_PROJECT"},
		&cli.StringFlag{Name: "zone", Usage: "the `ZONE` of the instance", DefaultText: "$CLOUDSDK_COMPUTE_ZONE"},
		&cli.StringFlag{Name: "interface", Usage: "the instance's network interface `NIC`", Value: "nic0"},
		&cli.StringFlag{Name: "host", Usage: "the `ADDRESS` of a host, in place of INSTANCE"},
		&cli.StringFlag{Name: "region", Usage: "the `REGION` of a host"},
		&cli.StringFlag{Name: "network", Usage: "the `NETWORK` of a host"},
		&cli.StringFlag{Name: "group", Usage: "the destination `GROUP` of a host, if it is in one"},
	}
}

// TunnelOptions say what to connect to, and for whom.
type TunnelOptions struct {
	Project                string
	Zone, Interface        string // of an instance
	Region, Network, Group string // of a host of a network

	Host   string // the instance's name, or the host's address
	Port   int
	Listen string // host:port
	Stdio  bool   // one connection, by standard input and output
}

// Address is what the tunnel is dialed with.
func (o TunnelOptions) Address() string { return net.JoinHostPort(o.Host, strconv.Itoa(o.Port)) }

func tunnel(ctx context.Context, in *Invocation) error {
	o, err := tunnelTarget(in, "tunnel")
	if err != nil {
		return err
	}
	o.Listen, o.Stdio = cmp.Or(in.String("listen"), "127.0.0.1:0"), in.Bool("stdio")
	if o.Stdio && in.IsSet("listen") {
		return usagef("leave one of them out", "tunnel: --stdio is one connection, and does not go with --listen")
	}
	return in.full.Tunnel(ctx, in, o)
}

// tunnelOptions are those of [tunnelFlags].
func tunnelOptions(in *Invocation, command string) (TunnelOptions, error) {
	o := TunnelOptions{
		Project: cmp.Or(in.String("project"), os.Getenv("CLOUDSDK_CORE_PROJECT")),
		Zone:    in.String("zone"), Interface: in.String("interface"),
		Region: in.String("region"), Network: in.String("network"), Group: in.String("group"),
	}
	help := "tokentoss " + command + " --help"
	switch ofHost := o.Region != "" || o.Network != ""; {
	case o.Project == "":
		return o, usagef("--project ID", "%s: the project is not known", command)
	case ofHost && o.Zone != "":
		return o, usagef(help, "%s: --zone is for an instance, --region and --network are for a host", command)
	case ofHost && (o.Region == "" || o.Network == ""):
		return o, usagef(help, "%s: --region and --network go together", command)
	case ofHost:
		return o, nil
	}
	if o.Zone = cmp.Or(o.Zone, os.Getenv("CLOUDSDK_COMPUTE_ZONE")); o.Zone == "" {
		return o, usagef("--zone ZONE, such as europe-west1-b", "%s: the zone of the instance is not known", command)
	}
	return o, nil
}

// tunnelTarget is what the arguments of a command and its [tunnelFlags] name.
func tunnelTarget(in *Invocation, command string) (TunnelOptions, error) {
	o, err := tunnelOptions(in, command)
	if err != nil {
		return o, err
	}
	args := in.Args().Slice()
	if o.Host = in.String("host"); o.Host == "" {
		o.Host, args = args[0], args[1:]
	}
	if len(args) != 1 {
		return o, usagef("tokentoss "+command+" --help", "%s: needs an INSTANCE and a PORT, or --host and a PORT", command)
	}
	if o.Port, err = strconv.Atoi(args[0]); err != nil || o.Port < 1 || o.Port > 65535 {
		return o, usagef("22 is that of ssh", "%s: the port is a number from 1 to 65535, not %q", command, args[0])
	}
	return o, nil
}

func (c *commands) sshConfig() *cli.Command {
	return &cli.Command{
		Name: "ssh-config", Usage: "print what makes ssh reach an instance through IAP", Category: "requests", ArgsUsage: "INSTANCE",
		Description: "It prints a Host block for ~/.ssh/config, with which ssh, scp, sftp and rsync take the tunnel:\n" +
			"  tokentoss ssh-config box --project p --zone z >> ~/.ssh/config",
		Flags: append(tunnelFlags(),
			&cli.StringFlag{Name: "user", Usage: "sign in there as `USER`", DefaultText: "ssh's own choice"},
			&cli.StringFlag{Name: "name", Usage: "call it `NAME`", DefaultText: "INSTANCE"},
		),
		Action: c.run(1, 1, sshConfig),
	}
}

// sshConfig prints a Host block. Every value is one word: what ssh's configuration
// would read as more is refused.
func sshConfig(_ context.Context, in *Invocation) error {
	o, err := tunnelOptions(in, "ssh-config")
	if err != nil {
		return err
	}
	o.Host = in.Args().First()
	name := cmp.Or(in.String("name"), o.Host)
	words := []string{"--project", o.Project}
	for _, w := range [][2]string{{"--zone", o.Zone}, {"--region", o.Region}, {"--network", o.Network}, {"--group", o.Group}} {
		if w[1] != "" {
			words = append(words, w[:]...)
		}
	}
	if o.Zone != "" && o.Interface != "nic0" {
		words = append(words, "--interface", o.Interface)
	}
	own, err := os.Executable()
	if err != nil {
		return err
	}
	own = filepath.Join(filepath.Dir(own), "tokentoss"+filepath.Ext(own))
	for _, w := range append(words, name, o.Host, in.String("user")) {
		if strings.ContainsFunc(w, func(r rune) bool {
			return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_.:", r))
		}) {
			return usagef("letters, digits, - _ . :", "ssh-config: %q cannot stand in ssh's configuration", w)
		}
	}
	command := append([]string{quoteSSH(own), strings.TrimSpace(in.say.options), "tunnel", "--stdio"}, words...)
	fmt.Fprintf(in.Stdout, "Host %s\n    HostName %s\n    ProxyCommand %s\n", name, o.Host, strings.Join(strings.Fields(strings.Join(command, " ")), " ")+" %h %p")
	if user := in.String("user"); user != "" {
		fmt.Fprintf(in.Stdout, "    User %s\n", user)
	}
	// The name of an instance is not unique: its host key is remembered for all of it.
	fmt.Fprintf(in.Stdout, "    HostKeyAlias iap.%s.%s.%s\n", cmp.Or(o.Zone, o.Network), o.Project, o.Host)
	return nil
}

// quoteSSH quotes a path for the shell that ssh runs a ProxyCommand with; a percent
// sign is ssh's own.
func quoteSSH(path string) string {
	return "'" + strings.NewReplacer("'", `'\''`, "%", "%%").Replace(path) + "'"
}
