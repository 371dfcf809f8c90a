package cli

import (
	"fmt"
	"slices"
	"strings"
)

// The options of curl that are known to leave the token where it belongs, by their
// full names; a short name follows the long one. What is not here is refused: curl
// has some 260 options, gets more with each version, and several send what they are
// given to other places or write it down.
const (
	// They take no value, and may be turned off by "no-".
	curlSwitches = `basic clobber compressed create-dirs digest disable/q fail/f fail-early fail-with-body form-escape get/G
		globoff/g head/I http1.0/0 http1.1 http2 http2-prior-knowledge http3 http3-only include/i ipv4/4 ipv6/6
		junk-session-cookies/j keepalive location/L buffer/N path-as-is post301 post302 post303 progress-bar/#
		progress-meter raw remote-header-name/J remote-name/O remote-time/R remove-on-error retry-all-errors retry-connrefused
		sessionid show-error/S show-headers silent/s skip-existing styled-output suppress-connect-headers tcp-fastopen
		tcp-nodelay tlsv1.2 tlsv1.3 tr-encoding verbose/v xattr`

	// They take one.
	curlValues = `cacert capath cert/E cert-type ciphers connect-timeout continue-at/C cookie/b cookie-jar/c create-file-mode crlfile
		curves data/d data-ascii data-binary data-raw data-urlencode dump-header/D etag-compare etag-save expect100-timeout form/F
		form-string happy-eyeballs-timeout-ms header/H hsts interface json keepalive-cnt keepalive-time key key-type limit-rate
		local-port max-filesize max-redirs max-time/m noproxy oauth2-bearer output/o output-dir pass pinnedpubkey range/r rate
		referer/e request/X retry retry-delay retry-max-time speed-limit/Y speed-time/y time-cond/z tls-max tls13-ciphers
		upload-file/T url-query user/u user-agent/A write-out/w`
)

// Why well-known options are refused.
const (
	curlElsewhere = "it could send the token elsewhere"
	curlShows     = "it would show the token"
	curlUnchecked = "the token would go to whoever answers"
	curlOtherAuth = "it takes the place of the token"
	curlUnknown   = "it is not among the options that are known to be safe here, by their full names"
)

// curlRefused are well-known options that are refused, and why. It is a function since
// this package is a part of an executable that starts often, and seldom for it.
func curlRefused() map[string]string {
	return map[string]string{
		"config": curlElsewhere, "K": curlElsewhere, "next": curlElsewhere, ":": curlElsewhere, "url": curlElsewhere,
		"location-trusted": curlElsewhere, "proxy": curlElsewhere, "x": curlElsewhere, "preproxy": curlElsewhere,
		"proxy1.0": curlElsewhere, "socks4": curlElsewhere, "socks4a": curlElsewhere, "socks5": curlElsewhere,
		"socks5-hostname": curlElsewhere, "proxytunnel": curlElsewhere, "p": curlElsewhere, "proxy-header": curlElsewhere,
		"resolve": curlElsewhere, "connect-to": curlElsewhere, "unix-socket": curlElsewhere, "abstract-unix-socket": curlElsewhere,
		"dns-servers": curlElsewhere, "doh-url": curlElsewhere, "alt-svc": curlElsewhere, "proto": curlElsewhere,
		"proto-redir": curlElsewhere, "proto-default": curlElsewhere, "request-target": curlElsewhere,
		"trace": curlShows, "trace-ascii": curlShows, "trace-config": curlShows, "libcurl": curlShows, "stderr": curlShows,
		"insecure": curlUnchecked, "k": curlUnchecked, "proxy-insecure": curlUnchecked,
		"netrc": curlOtherAuth, "n": curlOtherAuth, "netrc-file": curlOtherAuth, "netrc-optional": curlOtherAuth,
		"ntlm": curlOtherAuth, "negotiate": curlOtherAuth, "anyauth": curlOtherAuth, "aws-sigv4": curlOtherAuth,
	}
}

// curlArgs are arguments of curl that were found to be safe.
type curlArgs struct {
	list          []string
	verbose       bool
	follow        bool // redirects
	authorization bool // the request has an Authorization of its own
}

// readCurlArgs reads arguments as curl does: "-sS" is two options, "-ofile" one with
// its value. Unlike curl it takes no abbreviated names.
func readCurlArgs(args []string) (*curlArgs, error) {
	a := &curlArgs{list: args}
	for i := 0; i < len(args); i++ {
		arg := args[i]
		switch {
		case len(arg) < 2 || arg[0] != '-' || arg == "--":
			return nil, usagef("run tokentoss curl once for each URL", "curl: a second URL would get the token too")
		case strings.HasPrefix(arg, "--"):
			n, err := a.long(arg[2:], args[i+1:])
			if err != nil {
				return nil, err
			}
			i += n
		default:
			n, err := a.short(arg[1:], args[i+1:])
			if err != nil {
				return nil, err
			}
			i += n
		}
	}
	if a.follow && a.authorization {
		// curl takes Authorization out of a request to another place, and nothing
		// else: the token would go along with a redirect.
		return nil, usagef("leave -L out, or your own Authorization", "curl: -L with an Authorization of your own: a redirect would take the token elsewhere")
	}
	return a, nil
}

// long reads an option by its full name, and tells how many of the words after it
// are its own.
func (a *curlArgs) long(name string, next []string) (int, error) {
	if bare, _, has := strings.Cut(name, "="); has {
		return 0, usagef("write its value as a word of its own", "curl: --%s=: curl has no options of this form", bare)
	}
	if curlOption(curlValues, name, "") != "" {
		if len(next) == 0 {
			return 0, usagef("curl --help all", "curl: option --%s needs a value", name)
		}
		return 1, a.value("--"+name, name, next[0])
	}
	on, isOff := strings.CutPrefix(name, "no-")
	if curlOption(curlSwitches, name, "") != "" {
		on, isOff = name, false
	} else if curlOption(curlSwitches, on, "") == "" || !isOff {
		return 0, refuseCurl("--"+name, reason(name))
	}
	return 0, a.flag("--"+name, on, !isOff)
}

// short reads a word of short options.
func (a *curlArgs) short(letters string, next []string) (int, error) {
	for i, letter := range letters {
		shown := "-" + string(letter)
		if name := curlOption(curlSwitches, "", string(letter)); name != "" {
			if err := a.flag(shown, name, true); err != nil {
				return 0, err
			}
			continue
		}
		name := curlOption(curlValues, "", string(letter))
		if name == "" {
			return 0, refuseCurl(shown, reason(string(letter)))
		}
		if rest := letters[i+1:]; rest != "" { // the letter is one byte long
			return 0, a.value(shown, name, rest)
		}
		if len(next) == 0 {
			return 0, usagef("curl --help all", "curl: option %s needs a value", shown)
		}
		return 1, a.value(shown, name, next[0])
	}
	return 0, nil
}

// flag notes an option without a value. It is shown as it was typed.
func (a *curlArgs) flag(shown, name string, on bool) error {
	switch name {
	case "verbose":
		if on && a.verbose {
			// From curl 8.10 this is a trace, in which the token is in pieces.
			return refuseCurl("a second "+shown, curlShows)
		}
		a.verbose = on
	case "location":
		a.follow = on
	}
	return nil
}

// value checks the value of an option.
func (a *curlArgs) value(shown, name, value string) error {
	body := slices.Contains([]string{"data", "data-ascii", "data-binary", "data-raw", "data-urlencode", "json", "form", "form-string", "write-out"}, name)
	if !body && strings.ContainsFunc(value, isControl) {
		return usagef("take the line breaks out", "curl: the value of %s has a line break or another control character", shown)
	}
	switch name {
	case "header":
		return a.header(shown, value)
	case "user", "oauth2-bearer":
		a.authorization = true
	case "request":
		if strings.ContainsAny(value, " \t") {
			return usagef("-X POST", "curl: %q is not a method", value)
		}
	}
	return nil
}

func (a *curlArgs) header(shown, value string) error {
	if strings.HasPrefix(value, "@") {
		return refuseCurl(shown+" @FILE", "what is in the file is not known: give each header by itself")
	}
	name := value
	if i := strings.IndexAny(value, ":;"); i >= 0 {
		name = value[:i]
	}
	switch strings.ToLower(strings.TrimSpace(name)) {
	case "":
		return usagef(`-H "Name: value"`, "curl: a header has a name, a colon and a value")
	case "host":
		return refuseCurl(shown+" Host", curlElsewhere)
	case "authorization":
		a.authorization = true
	case "proxy-authorization":
		return refuseCurl(shown+" Proxy-Authorization", curlOtherAuth)
	}
	return nil
}

// curlOption returns the full name of the option of list that has one of the names,
// or "".
func curlOption(list, long, short string) string {
	for _, option := range strings.Fields(list) {
		name, letter, _ := strings.Cut(option, "/")
		if long != "" && name == long || short != "" && letter == short {
			return name
		}
	}
	return ""
}

// reason says why an option is refused that is not among the known ones.
func reason(name string) string {
	if why, ok := curlRefused()[name]; ok {
		return why
	}
	return curlUnknown
}

func refuseCurl(shown, why string) error {
	hint := "tokentoss token --format curl | curl --config - URL, in which all of curl's options are your own choice"
	return usagef(hint, "curl: %s is refused: %s", shown, why)
}

// isControl tells whether a line-based format could take r for more than text.
func isControl(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }

// curlVersion reads the first line of "curl --version".
func curlVersion(text string) (major, minor int, ok bool) {
	n, err := fmt.Sscanf(text, "curl %d.%d", &major, &minor)
	return major, minor, err == nil && n == 2
}
