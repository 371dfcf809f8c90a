// Command release packs what was built for one system: an archive, for Linux a
// Debian package, and the list of what is in them.
//
//	release pack -version V -os OS -arch ARCH -bin DIR -share DIR -out DIR
//	release sums DIR
//
// The same input gives the same bytes. Times are $SOURCE_DATE_EPOCH
// (https://reproducible-builds.org/specs/source-date-epoch/).
package main

import (
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// sumsName is the file of checksums, in the form of sha256sum.
const sumsName = "SHA256SUMS"

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) > 0 && args[0] == "pack":
		t, err := parse(args[1:])
		if err != nil {
			return err
		}
		return t.pack()
	case len(args) == 2 && args[0] == "sums":
		return sums(args[1])
	}
	return errors.New("usage: release pack -version V -os OS -arch ARCH -bin DIR -share DIR -out DIR, or release sums DIR")
}

// A target is a system that a release is for.
type target struct {
	version  string // without the v
	os, arch string
	bin      string // the directory of the executables
	share    string // man/, completions/, README.md and LICENSE
	out      string
	time     time.Time
}

func parse(args []string) (*target, error) {
	var t target
	flags := flag.NewFlagSet("pack", flag.ContinueOnError)
	flags.StringVar(&t.version, "version", "", "of the release, such as v1.2.3")
	flags.StringVar(&t.os, "os", "", "GOOS")
	flags.StringVar(&t.arch, "arch", "", "GOARCH")
	flags.StringVar(&t.bin, "bin", "", "where the executables are")
	flags.StringVar(&t.share, "share", "", "where the rest is")
	flags.StringVar(&t.out, "out", "", "where the outcome goes")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	version, ok := strings.CutPrefix(t.version, "v")
	if !ok || t.os == "" || t.arch == "" || t.bin == "" || t.share == "" || t.out == "" {
		return nil, errors.New("pack needs all of its options, and a version such as v1.2.3")
	}
	t.version = version
	epoch, err := strconv.ParseInt(os.Getenv("SOURCE_DATE_EPOCH"), 10, 64)
	if err != nil {
		return nil, fmt.Errorf("SOURCE_DATE_EPOCH: %w", err)
	}
	t.time = time.Unix(epoch, 0).UTC()
	return &t, nil
}

// name is that of all files of the target, without an extension.
func (t *target) name() string { return "tokentoss_" + t.version + "_" + t.os + "_" + t.arch }

// executables are the names of what was built.
func (t *target) executables() []string {
	if t.os == "windows" {
		return []string{"tokentoss.exe", "tokentoss-host.exe"}
	}
	return []string{"tokentoss", "tokentoss-host"}
}

func (t *target) pack() error {
	if err := os.MkdirAll(t.out, 0o755); err != nil {
		return err
	}
	bom := filepath.Join(t.out, t.name()+".cdx.json")
	if err := t.writeBOM(bom); err != nil {
		return err
	}
	files, err := t.files()
	if err != nil {
		return err
	}
	files = append(files, file{name: "sbom.cdx.json", source: bom})
	if t.os == "windows" {
		return t.write(".zip", files, writeZip)
	}
	if err := t.write(".tar.gz", files, writeTar); err != nil || t.os != "linux" {
		return err
	}
	return t.writeDeb(files)
}

// sums writes the checksums of all files in dir.
func sums(dir string) error {
	entries, err := os.ReadDir(dir) // sorted by name
	if err != nil {
		return err
	}
	var text strings.Builder
	for _, e := range entries {
		if e.Name() == sumsName || !e.Type().IsRegular() {
			continue
		}
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return err
		}
		fmt.Fprintf(&text, "%x  %s\n", sha256.Sum256(data), e.Name())
	}
	return os.WriteFile(filepath.Join(dir, sumsName), []byte(text.String()), 0o644)
}
