package childenv

import (
	"bytes"
	"encoding/pem"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/x509roots/fallback/bundle"

	"github.com/tokentoss/tokentoss/frontends/http/forwardproxy"
)

const proxyURL = "http://tokentoss-run:SECRET@127.0.0.1:1"

// build makes the variables of a person with an environment.
func build(t *testing.T, environ ...string) (*Variables, string) {
	t.Helper()
	a, err := forwardproxy.NewAuthority(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	target, err := url.Parse("https://app.example.com/path")
	if err != nil {
		t.Fatal(err)
	}
	v, err := Build(Run{Environ: environ, Proxy: proxyURL, Targets: []*url.URL{target}, Dir: t.TempDir(), Java: "127.0.0.1:2", Roots: ReadRoots(environ, a.Root)})
	if err != nil {
		t.Fatal(err)
	}
	return v, string(a.Root)
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

const (
	one = "-----BEGIN CERTIFICATE-----\nb25l\n-----END CERTIFICATE-----\n"
	two = "-----BEGIN TRUSTED CERTIFICATE-----\ndHdv\n-----END TRUSTED CERTIFICATE-----\n"
	key = "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n"
)

// A variable's file has what the program trusted before, and the run's root.
func TestBundlesHaveWhatWasTrustedBefore(t *testing.T) {
	dir := filepath.Dir(write(t, "1.pem", two))
	v, root := build(t, "CURL_CA_BUNDLE="+write(t, "ca.pem", "# mine\n"+key+one+"junk\n"), "PIP_CERT="+dir, "GIT_SSL_CAINFO=")
	for name, want := range map[string]string{
		"CURL_CA_BUNDLE": one + root, "PIP_CERT": two + root, "NODE_EXTRA_CA_CERTS": root, "DENO_CERT": root,
		"REQUESTS_CA_BUNDLE": one + root, // as requests itself reads curl's
		"AWS_CA_BUNDLE":      "", "SSL_CERT_FILE": "", "GIT_SSL_CAINFO": "", "CARGO_HTTP_CAINFO": "", "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": "",
		"HTTPLIB2_CA_CERTS": "",
	} {
		text := read(t, v.Set[name])
		if want != "" && text != want || !strings.HasSuffix(text, root) || strings.Contains(text, "PRIVATE") {
			t.Errorf("%s has %.300q", name, text)
		}
		if want == "" && strings.Count(text, "BEGIN") < 50 {
			t.Errorf("%s has not what programs trust by themselves", name)
		}
	}
	if info, err := os.Stat(v.Set["SSL_CERT_FILE"]); err != nil || info.Mode().Perm() != 0o600 && runtime.GOOS != "windows" {
		t.Errorf("%v, %v", info, err)
	}
}

// What programs trust by themselves is there whole, as PEM that strict readers take.
func TestMozillasRootsArePEM(t *testing.T) {
	rest, n := mozillaRoots(), 0
	for root := range bundle.Roots() {
		want := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate})
		if !bytes.HasPrefix(rest, want) {
			t.Fatalf("certificate %d is %.200q, want %.200q", n, rest, want)
		}
		rest = rest[len(want):]
		n++
	}
	if n < 50 || len(rest) > 0 {
		t.Errorf("%d certificates, and %d bytes", n, len(rest))
	}
}

// What names no certificates is said, by its name.
func TestAVariableThatNamesNothingIsAnError(t *testing.T) {
	_, err := Build(Run{Environ: []string{"NODE_EXTRA_CA_CERTS=/there/is/none"}, Dir: t.TempDir(), Roots: ReadRoots(nil, []byte(one))})
	if err == nil || !strings.Contains(err.Error(), "NODE_EXTRA_CA_CERTS") {
		t.Error(err)
	}
}

// All programs are led to the proxy, by each name; those of one program where they were.
func TestProxies(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("two variables cannot differ in their case alone")
	}
	v, _ := build(t, "grpc_proxy=http://own:1", "NO_PROXY=localhost, .example.com,10.0.0.0/8,app.example.com:8443", "no_proxy=*", "no_grpc_proxy=other.test")
	for _, name := range append(proxyVariables, "grpc_proxy") {
		if v.Set[name] != proxyURL {
			t.Errorf("%s is %q", name, v.Set[name])
		}
	}
	for name, want := range map[string]string{"NO_PROXY": "localhost,10.0.0.0/8,app.example.com:8443", "no_proxy": "", "no_grpc_proxy": "other.test", "NODE_USE_ENV_PROXY": "1"} {
		if got, ok := v.Set[name]; !ok || got != want {
			t.Errorf("%s is %q", name, got)
		}
	}
	if len(v.Notes) != 2 || !strings.Contains(v.Notes[0], ".example.com") {
		t.Errorf("%q", v.Notes)
	}
	v, _ = build(t)
	for _, name := range []string{"grpc_proxy", "NO_PROXY", "no_proxy"} {
		if value, ok := v.Set[name]; ok {
			t.Errorf("%s is set, to %q", name, value)
		}
	}
}

// What a person has in NO_PROXY is found however the system lets it be written.
func TestNamesInTheCaseOfTheSystem(t *testing.T) {
	v, _ := build(t, "No_Proxy=app.example.com,other.test")
	if got, want := v.Set["NO_PROXY"], map[bool]string{true: "other.test"}[runtime.GOOS == "windows"]; got != want {
		t.Errorf("NO_PROXY is %q, want %q", got, want)
	}
	if want := map[bool]int{true: 1}[runtime.GOOS == "windows"]; len(v.Notes) != want {
		t.Errorf("%q, want %d", v.Notes, want)
	}
}

// An entry of NO_PROXY covers a target if some program takes it so.
func TestCovers(t *testing.T) {
	for target, entries := range map[string]map[string]bool{
		"https://app.example.com": {
			"app.example.com": true, "APP.Example.com": true, ".example.com": true, "example.com": true, "*.example.com": true, "com": true, "*": true,
			"app.example.com:443": true, "app.example.com.": true, "*.com": true, "app.*": true,
			"app.example.com:8443": false, "pp.example.com": false, "other.com": false, ".app.example.com": true, "127.0.0.1": false, "0.0.0.0/0": false, "": false, ".": false,
		},
		"https://10.1.2.3:8443": {
			"10.0.0.0/8": true, "10.1.2.3": true, "10.1.2.3:8443": true, "10.*": true, "::ffff:10.1.2.3": true, "0.0.0.0/0": true,
			"10.1.2.4": false, "10.1.2.3:443": false, "11.0.0.0/8": false, "::/0": false,
		},
		"https://[::1]": {"::1": true, "[::1]": true, "[::1]:443": true, "::/0": true, "::2": false},
	} {
		u, err := url.Parse(target)
		if err != nil {
			t.Fatal(err)
		}
		for entry, want := range entries {
			if got := covers(entry, u); got != want {
				t.Errorf("%q covers %s: %t", entry, target, got)
			}
		}
	}
}

// wget's settings are the person's own, but for a proxy and the roots.
func TestWgetHasThePersonsSettings(t *testing.T) {
	home := t.TempDir()
	rc := "# mine\nuser_agent = me\r\nhttps-proxy = http://own:1\nuse_proxy=off\nca_certificate = " + write(t, "ca.pem", one) + "\ntries = 3"
	if err := os.WriteFile(filepath.Join(home, ".wgetrc"), []byte(rc), 0o600); err != nil {
		t.Fatal(err)
	}
	v, root := build(t, "HOME="+home)
	lines := strings.Split(read(t, v.Set["WGETRC"]), "\n")
	last := lines[len(lines)-2]
	if !slices.Equal(lines[:3], []string{"# mine", "user_agent = me", "tries = 3"}) || len(lines) != 5 {
		t.Errorf("%q", lines)
	}
	if text := read(t, strings.TrimPrefix(last, "ca_certificate = ")); text != one+root {
		t.Errorf("%q", text)
	}
}

// Java's options are added to the person's own, and its store has what it trusted.
func TestJavaTrustsTheRunAndWhatItTrusted(t *testing.T) {
	keytool, err := exec.LookPath("keytool")
	if err != nil {
		t.Skip("there is no Java")
	}
	v, _ := build(t, "JAVA_TOOL_OPTIONS=-Dmine=1", "PATH="+os.Getenv("PATH"))
	options := v.Set[javaOptions]
	if !strings.HasPrefix(options, "-Dmine=1 -Djavax.net.ssl.trustStore=") || !strings.Contains(options, "-Dhttps.proxyPort=2") || strings.Contains(options, "SECRET") {
		t.Fatalf("%s: %q, %q", javaOptions, options, v.Notes)
	}
	path := strings.TrimPrefix(strings.Fields(options)[1], "-Djavax.net.ssl.trustStore=")
	out, err := exec.Command(keytool, "-list", "-keystore", path, "-storetype", "PKCS12", "-storepass", "").CombinedOutput()
	if err != nil || strings.Count(string(out), "trustedCertEntry") < 50 || !strings.Contains(string(out), "tokentoss run") {
		t.Errorf("%v: %.500s", err, out)
	}
	if v, _ := build(t, "JAVA_HOME="+t.TempDir()); v.Set[javaOptions] != "" {
		t.Error("options without a Java")
	}
}
