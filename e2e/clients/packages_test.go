//go:build linux

package clients_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"testing"
)

// packages is one server of a package called greeting for the package managers of several
// languages. Each answers with addresses as usual for it: absolute ones at the public
// address where the protocol has such, or else paths.
func packages(t *testing.T) string {
	mux := http.NewServeMux()
	file := func(path string, content []byte) {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(content) })
	}

	// Python: the Simple Repository API, https://packaging.python.org/en/latest/specifications/simple-repository-api/
	wheel := zipOf(t, map[string]string{
		"greeting.py":                     "HELLO = 'hello'\n",
		"greeting-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: greeting\nVersion: 1.0\n",
		"greeting-1.0.dist-info/WHEEL":    "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
		"greeting-1.0.dist-info/RECORD":   "greeting.py,,\ngreeting-1.0.dist-info/METADATA,,\ngreeting-1.0.dist-info/WHEEL,,\ngreeting-1.0.dist-info/RECORD,,\n",
	})
	const wheelName = "greeting-1.0-py3-none-any.whl"
	mux.HandleFunc("GET /simple/greeting/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, "<!DOCTYPE html><html><body><a href=\"/files/%s#sha256=%x\">%[1]s</a></body></html>", wheelName, sha256.Sum256(wheel))
	})
	file("/files/"+wheelName, wheel)

	// npm: a packument and a tarball, https://github.com/npm/registry/blob/main/docs/responses/package-metadata.md
	tarball := tarOf(t, map[string]string{
		"package/package.json": `{"name": "greeting", "version": "1.0.0", "main": "index.js"}`,
		"package/index.js":     "module.exports = 'hello'\n",
	})
	sum := sha512.Sum512(tarball)
	packument, err := json.Marshal(map[string]any{
		"name": "greeting", "dist-tags": map[string]string{"latest": "1.0.0"},
		"versions": map[string]any{"1.0.0": map[string]any{"name": "greeting", "version": "1.0.0", "main": "index.js", "dist": map[string]string{
			"tarball": site + "/npm/greeting/-/greeting-1.0.0.tgz", "integrity": "sha512-" + base64.StdEncoding.EncodeToString(sum[:]),
		}}},
		"time": map[string]string{"created": "2020-01-01T00:00:00.000Z", "modified": "2020-01-01T00:00:00.000Z", "1.0.0": "2020-01-01T00:00:00.000Z"},
	})
	if err != nil {
		t.Fatal(err)
	}
	file("/npm/greeting", packument)
	file("/npm/greeting/-/greeting-1.0.0.tgz", tarball)

	// Go: https://go.dev/ref/mod#goproxy-protocol
	const at = "/goproxy/example.com/greeting/@v/"
	file(at+"v1.0.0.info", []byte(`{"Version": "v1.0.0", "Time": "2020-01-01T00:00:00Z"}`))
	file(at+"v1.0.0.mod", []byte("module example.com/greeting\n"))
	file(at+"v1.0.0.zip", zipOf(t, map[string]string{
		"example.com/greeting@v1.0.0/go.mod": "module example.com/greeting\n", "example.com/greeting@v1.0.0/hello.go": "package greeting\n",
	}))

	// Rust: a sparse registry, https://doc.rust-lang.org/cargo/reference/registry-index.html
	crate := tarOf(t, map[string]string{
		"greeting-1.0.0/Cargo.toml": "[package]\nname = \"greeting\"\nversion = \"1.0.0\"\nedition = \"2018\"\n", "greeting-1.0.0/src/lib.rs": "",
	})
	file("/index/config.json", []byte(`{"dl": "`+site+`/crates/{crate}/{version}"}`))
	file("/index/gr/ee/greeting", fmt.Appendf(nil, `{"name":"greeting","vers":"1.0.0","deps":[],"features":{},"cksum":"%x","yanked":false}`+"\n", sha256.Sum256(crate)))
	file("/crates/greeting/1.0.0", crate)
	return serve(t, mux)
}

const cargoScript = `mkdir -p app/src app/.cargo
echo 'fn main() {}' >app/src/main.rs
printf '[package]\nname = "app"\nversion = "1.0.0"\nedition = "2018"\n[dependencies]\ngreeting = { version = "1", registry = "wiki" }\n' >app/Cargo.toml
printf '[registries.wiki]\nindex = "sparse+%s/index/"\n' $SITE >app/.cargo/config.toml
cd app
CARGO_HOME=$PWD/one cargo fetch
sleep $PAUSE
CARGO_HOME=$PWD/two cargo fetch`

func zipOf(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, text := range files {
		w, err := z.Create(name)
		if err == nil {
			_, err = io.WriteString(w, text)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func tarOf(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	compressed := gzip.NewWriter(&b)
	w := tar.NewWriter(compressed)
	for name, text := range files {
		err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(text)), Typeflag: tar.TypeReg})
		if err == nil {
			_, err = io.WriteString(w, text)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := compressed.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
