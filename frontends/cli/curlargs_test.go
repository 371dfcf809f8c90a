package cli

import (
	"errors"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// What is asked of curl every day passes.
func TestCurlArgumentsThatPass(t *testing.T) {
	for _, line := range []string{
		"", "-s", "-sS", "-sSf", "-sSfL", "-v", "-sv", "-i", "-I", "-o file", "-ofile", "-sofile", "-O -J", "-X POST", "-XPOST", "-sXPUT",
		"-d a=1", "-d @file", "-d@-", "--data-binary @file", "--json {}", "-F file=@x;type=text/plain", "-T file", "-G -d q=1",
		"-H X-Order:7", "-H Accept:", "-HX-Order:7", "--header X-Order:7", "-H Authorization:Basic", "-u user:password", "--oauth2-bearer x",
		"--digest -u a:b", "-b cookies -c cookies", "--compressed", "--http2", "--http1.1", "--tlsv1.3", "-4", "-6", "-m 5", "--connect-timeout 5",
		"--retry 3 --retry-all-errors", "-C -", "-r 0-9", "-z file", "-A agent", "-e referer", "-w %{http_code}", "-D headers",
		"--cacert ca.pem", "--cert c.pem --key k.pem", "-N", "--no-buffer", "--no-progress-meter", "-#", "--no-location", "--limit-rate 1M",
		"-g", "--url-query a=b", "-q", "--fail-with-body", "--noproxy *", "--no-keepalive",
		"-d -k", "-d --next", "-H X-A:-K", "-o https://other.example", "-d https://other.example", "-e https://other.example",
	} {
		if _, err := readCurlArgs(strings.Fields(line)); err != nil {
			t.Errorf("curl %s: %v", line, err)
		}
	}
}

// What could send the token elsewhere, or show it, is refused, however it is written.
func TestCurlArgumentsThatAreRefused(t *testing.T) {
	for line, why := range map[string]string{
		"other.example/b": "second URL", "https://other.example/": "second URL", "-s other.example": "second URL", "-d x y": "second URL",
		"-sS -o f other.example": "second URL", "--": "second URL", "-- other.example": "second URL", "-": "second URL", "-o f -": "second URL",
		"-i -s [::1]:80": "second URL", "--no-location other.example": "second URL", "-X POST -XPUT -sI other.example": "second URL",
		"--next": curlElsewhere, "-:": curlElsewhere, "-s: -k": curlElsewhere, "--url other.example": curlElsewhere,
		"--url=other.example": "this form", "--next=": "this form", "--proxy=http://x": "this form", "--header=X:y": "this form", "--insecure=1": "this form",
		"-K file": curlElsewhere, "-Kfile": curlElsewhere, "-sKfile": curlElsewhere, "-K-": curlElsewhere, "--config file": curlElsewhere,
		"--location-trusted": curlElsewhere, "-x http://p": curlElsewhere, "-xhttp://p": curlElsewhere, "-sx http://p": curlElsewhere,
		"--proxy http://p": curlElsewhere, "--preproxy socks5://p": curlElsewhere, "--socks5 p": curlElsewhere, "--socks4a p": curlElsewhere,
		"--socks5-hostname p": curlElsewhere, "-p": curlElsewhere, "--proxytunnel": curlElsewhere, "--proxy-header A:b": curlElsewhere,
		"--resolve svc:443:1.2.3.4": curlElsewhere, "--connect-to ::other:443": curlElsewhere, "--unix-socket /s": curlElsewhere,
		"--abstract-unix-socket s": curlElsewhere, "--doh-url https://d": curlElsewhere, "--dns-servers 1.1.1.1": curlElsewhere,
		"--alt-svc f": curlElsewhere, "--proto =http": curlElsewhere, "--proto-redir all": curlElsewhere, "--proto-default http": curlElsewhere,
		"--request-target http://other": curlElsewhere, "-H Host:other.example": curlElsewhere, "-H host:other": curlElsewhere, "-HHOST:x": curlElsewhere,
		"--trace f": curlShows, "--trace-ascii -": curlShows, "--trace-config all": curlShows, "--libcurl f.c": curlShows, "--stderr f": curlShows,
		"-vv": curlShows, "-v -v": curlShows, "-sv --verbose": curlShows, "--verbose --verbose": curlShows,
		"-k": curlUnchecked, "-sk": curlUnchecked, "-ks": curlUnchecked, "-sSLk": curlUnchecked, "--insecure": curlUnchecked, "--proxy-insecure": curlUnchecked,
		"-n": curlOtherAuth, "--netrc": curlOtherAuth, "--netrc-file f": curlOtherAuth, "--netrc-optional": curlOtherAuth, "--ntlm": curlOtherAuth,
		"--anyauth": curlOtherAuth, "--negotiate": curlOtherAuth, "--aws-sigv4 x": curlOtherAuth, "-H Proxy-Authorization:x": curlOtherAuth,
		"--insec": curlUnknown, "--inse": curlUnknown, "--loc": curlUnknown, "--location-tr": curlUnknown, "--confi f": curlUnknown, "--nex": curlUnknown,
		"--prox p": curlUnknown, "--variable a=b": curlUnknown, "--expand-url x": curlUnknown, "--expand-header x": curlUnknown, "--ipfs-gateway x": curlUnknown,
		"--no-such-option": curlUnknown, "--no-insecure": curlUnknown, "--no-data x": curlUnknown, "-Q x": curlUnknown, "-t x": curlUnknown, "-P x": curlUnknown,
		"-U a:b": curlUnknown, "--proxy-user a:b": curlUnknown, "-Z": curlUnknown, "--remote-name-all": curlUnknown, "-1": curlUnknown, "-é": curlUnknown,
		"-H @file": "what is in the file is not known", "-H@file": "what is in the file is not known", "--header @file": "what is in the file is not known",
		"-H :authority:x": "a header has a name",
		"-L -u a:b":       "with an Authorization of your own", "-L -H authorization:x": "with an Authorization of your own", "-HAuthorization:x -sL": "with an Authorization of your own",
		"-H": "needs a value", "-s -o": "needs a value", "--data": "needs a value",
	} {
		_, err := readCurlArgs(strings.Fields(line))
		if err == nil || !strings.Contains(err.Error(), why) || exitCode(err) != exitUsage || hintFor(err) == "" {
			t.Errorf("curl %s: %v; want %q", line, err, why)
		}
	}
	for _, args := range [][]string{
		{"-X", "GET http://other/ HTTP/1.1\r\nX:"}, {"-X", "GET other"}, {"-H", "X: a\r\nAuthorization: b"}, {"-A", "a\nb"}, {"-e", "a\r\nb"},
		{"-b", "a=b\r\nX: y"}, {"-o", "a\nb"}, {"-u", "a:\nb"}, {"-H", "X: \x00"},
	} {
		if _, err := readCurlArgs(args); err == nil {
			t.Errorf("curl %q passes", args)
		}
	}
}

// The table takes options for what the real curl takes them for: an option that is
// believed to have a value, and has none, would make a URL of the next word.
func TestCurlOptionsAreThoseOfTheRealCurl(t *testing.T) {
	out, err := exec.Command("curl", "--disable", "--help", "all").Output()
	if errors.Is(err, exec.ErrNotFound) {
		t.Skip("there is no curl")
	}
	if err != nil {
		t.Fatal(err)
	}
	known := 0
	for _, m := range regexp.MustCompile(`(?m)^ {1,5}(?:-(.), )?\s*--([a-z0-9.-]+)( <.*)?`).FindAllStringSubmatch(string(out), -1) {
		letter, name, hasValue := m[1], strings.TrimPrefix(m[2], "no-"), strings.HasPrefix(m[3], " <")
		list, other := curlSwitches, curlValues
		if hasValue {
			list, other = curlValues, curlSwitches
		}
		if curlOption(other, name, "") != "" {
			t.Errorf("--%s: that it has a value is %v", name, hasValue)
		}
		if letter != "" {
			for _, list := range []string{curlSwitches, curlValues} {
				if got := curlOption(list, "", letter); got != "" && got != name {
					t.Errorf("-%s is --%s, and not --%s", letter, name, got)
				}
			}
		}
		if curlOption(list, name, "") != "" {
			known++
		}
	}
	if known < 80 {
		t.Errorf("only %d of the options are curl's", known)
	}
}

// What is refused by name is not among what passes.
func TestCurlRefusedAreNotKnown(t *testing.T) {
	for name := range curlRefused() {
		for _, option := range slices.Concat(strings.Fields(curlSwitches), strings.Fields(curlValues)) {
			long, letter, _ := strings.Cut(option, "/")
			if name == long || name == letter {
				t.Errorf("%s is both", name)
			}
		}
	}
}

// Whatever pieces the text comes in, neither the token nor the value of a header with
// credentials is passed on; all else is, as soon as it can be nothing else.
func TestRedactor(t *testing.T) {
	const secret = "eyJhbG.eyJpc3.c2ln"
	text := "* Connected\n> GET / HTTP/1.1\r\n> Host: a\r\n> Authorization: Bearer " + secret + "\r\n> proxy-AUTHORIZATION: Basic YTpi\r\n>\r\n" +
		"* [HTTP/2] [1] [authorization: Bearer " + secret + "]\n* eyJhbG.eyJ and " + secret + secret + "\nEnter auth"
	want := "* Connected\n> GET / HTTP/1.1\r\n> Host: a\r\n> Authorization: [redacted]\r\n> proxy-AUTHORIZATION: [redacted]\r\n>\r\n" +
		"* [HTTP/2] [1] [authorization: [redacted]\n* eyJhbG.eyJ and [redacted][redacted]\nEnter auth"
	for size := 1; size <= len(text); size++ {
		var out strings.Builder
		r := &redactor{w: &out, secret: secret}
		for rest := text; rest != ""; {
			n := min(size, len(rest))
			if _, err := r.Write([]byte(rest[:n])); err != nil {
				t.Fatal(err)
			}
			rest = rest[n:]
		}
		r.flush()
		if got := out.String(); got != want {
			t.Fatalf("in pieces of %d: %q\nwant %q", size, got, want)
		}
	}
	var out strings.Builder
	r := &redactor{w: &out, secret: secret}
	_, _ = r.Write([]byte("Enter host password for user 'a':"))
	if got := out.String(); got != "Enter host password for user 'a':" {
		t.Errorf("a prompt is held back: %q", got)
	}
}

func TestCurlVersion(t *testing.T) {
	for text, want := range map[string][2]int{"curl 7.88.1 (x86_64-pc-linux-gnu) libcurl/7.88.1": {7, 88}, "curl 8.10.0-DEV (x)": {8, 10}, "curl 7.82.0": {7, 82}} {
		major, minor, ok := curlVersion(text)
		if !ok || major != want[0] || minor != want[1] {
			t.Errorf("%q: %d.%d, %v", text, major, minor, ok)
		}
	}
	if _, _, ok := curlVersion("busybox"); ok {
		t.Error("busybox is no curl")
	}
}
