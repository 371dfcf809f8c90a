package main

import (
	"bytes"
	"compress/gzip"
	"errors"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/goreleaser/nfpm/v2"
	"github.com/goreleaser/nfpm/v2/deb"
	"github.com/goreleaser/nfpm/v2/files"
)

// debPlace is where a Debian package has what the archive has as name; "" is
// nowhere.
func debPlace(name string) string {
	switch base := path.Base(name); {
	case name == "LICENSE":
		return "/usr/share/doc/tokentoss/copyright"
	case name == "README.md", name == "sbom.cdx.json":
		return "/usr/share/doc/tokentoss/" + name
	case strings.HasPrefix(name, "man/"):
		return "/usr/share/man/man1/" + base + ".gz"
	case base == "tokentoss.bash":
		return "/usr/share/bash-completion/completions/tokentoss"
	case base == "_tokentoss":
		return "/usr/share/zsh/vendor-completions/" + base
	case base == "tokentoss.fish":
		return "/usr/share/fish/vendor_completions.d/" + base
	case !strings.Contains(name, "/"):
		return "/usr/bin/" + name
	}
	return ""
}

// writeDeb writes a Debian package of the files of the archive.
func (t *target) writeDeb(list []file) error {
	work, err := os.MkdirTemp("", "release")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	info := nfpm.WithDefaults(&nfpm.Info{
		Name: "tokentoss", Platform: "linux", Arch: t.arch, Version: t.version, MTime: t.time,
		Maintainer: "The tokentoss authors <tokentoss@users.noreply.github.com>", License: "MIT",
		Homepage: "https://github.com/tokentoss/tokentoss", Section: "utils", Priority: "optional",
		Description: "sign in with Google once, reach IAP-protected services from everywhere\n" +
			"Notebooks, shells and programs reach services behind Google's Identity-Aware\n" +
			"Proxy with one sign-in, refreshed when needed and kept in the store you choose.",
		Overridables: nfpm.Overridables{Recommends: []string{"ca-certificates"}, Suggests: []string{"curl"}},
	})
	for _, f := range list {
		place := debPlace(f.name)
		if place == "" {
			continue
		}
		source := f.source
		if strings.HasSuffix(place, ".gz") {
			source = filepath.Join(work, path.Base(place))
			if err := compress(source, f.source); err != nil {
				return err
			}
		}
		info.Contents = append(info.Contents, &files.Content{
			Source: source, Destination: place, FileInfo: &files.ContentFileInfo{Mode: f.mode(), MTime: t.time, Owner: "root", Group: "root"},
		})
	}
	if err := nfpm.PrepareForPackager(info, "deb"); err != nil {
		return err
	}
	out, err := os.Create(filepath.Join(t.out, deb.Default.ConventionalFileName(info)))
	if err != nil {
		return err
	}
	return errors.Join(deb.Default.Package(info, out), out.Close())
}

// compress writes a gzip file that has no name and no time in it.
func compress(into, from string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return err
	}
	if _, err := z.Write(data); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	return os.WriteFile(into, out.Bytes(), 0o644)
}
