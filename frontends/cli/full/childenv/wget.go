package childenv

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// wget names a file of settings for wget, which reads no variable for its roots where it
// is built with GnuTLS. The file has the person's own settings, but for a proxy.
func (b *builder) wget() error {
	path := b.get("WGETRC")
	if path == "" {
		path = filepath.Join(b.get("HOME"), ".wgetrc")
	}
	var lines []string
	roots := ""
	if data, err := os.ReadFile(path); err == nil {
		for line := range strings.Lines(string(data)) {
			name, value, _ := strings.Cut(line, "=")
			switch strings.NewReplacer("-", "", "_", "").Replace(strings.ToLower(strings.TrimSpace(name))) {
			case "cacertificate":
				roots = strings.TrimSpace(value)
			case "httpproxy", "httpsproxy", "noproxy", "useproxy":
			default:
				lines = append(lines, strings.TrimRight(line, "\r\n"))
			}
		}
	}
	trusted := b.Roots.of(system)
	if own, err := readRoots(roots); roots != "" && err == nil {
		trusted = [][]byte{own}
	}
	bundle, err := b.files.put("wget.pem", append(trusted, b.Roots.run)...)
	if err != nil {
		return err
	}
	lines = append(slices.Clip(lines), "ca_certificate = "+bundle, "")
	b.Set["WGETRC"], err = b.files.put("wgetrc", []byte(strings.Join(lines, "\n")))
	return err
}
