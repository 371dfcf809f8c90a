package main

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// A file is one of an archive.
type file struct {
	name       string // in the archive, with slashes
	source     string
	executable bool
}

func (f file) mode() os.FileMode {
	if f.executable {
		return 0o755
	}
	return 0o644
}

// files are those of the archive, in the order of their names.
func (t *target) files() ([]file, error) {
	var list []file
	for _, name := range t.executables() {
		list = append(list, file{name: name, source: filepath.Join(t.bin, name), executable: true})
	}
	for _, pattern := range []string{"README.md", "LICENSE", "man/*", "completions/*"} {
		found, err := filepath.Glob(filepath.Join(t.share, pattern))
		if err != nil || len(found) == 0 {
			return nil, errors.Join(errors.New("there is no "+pattern), err)
		}
		for _, source := range found {
			list = append(list, file{name: path.Join(path.Dir(pattern), filepath.Base(source)), source: source})
		}
	}
	slices.SortFunc(list, func(a, b file) int { return strings.Compare(a.name, b.name) })
	return list, nil
}

// write writes an archive, all of whose files are in one directory.
func (t *target) write(extension string, files []file, write func(io.Writer, string, time.Time, []file) error) error {
	out, err := os.Create(filepath.Join(t.out, t.name()+extension))
	if err != nil {
		return err
	}
	return errors.Join(write(out, t.name(), t.time, files), out.Close())
}

func writeTar(w io.Writer, dir string, at time.Time, files []file) error {
	z, err := gzip.NewWriterLevel(w, gzip.BestCompression)
	if err != nil {
		return err
	}
	archive := tar.NewWriter(z)
	for _, f := range files {
		data, err := os.ReadFile(f.source)
		if err != nil {
			return err
		}
		head := &tar.Header{
			Name: path.Join(dir, f.name), Size: int64(len(data)), Mode: int64(f.mode()), ModTime: at, Uname: "root", Gname: "root",
			Format: tar.FormatUSTAR,
		}
		if err := archive.WriteHeader(head); err != nil {
			return err
		}
		if _, err := archive.Write(data); err != nil {
			return err
		}
	}
	return errors.Join(archive.Close(), z.Close())
}

func writeZip(w io.Writer, dir string, at time.Time, files []file) error {
	archive := zip.NewWriter(w)
	for _, f := range files {
		data, err := os.ReadFile(f.source)
		if err != nil {
			return err
		}
		head := &zip.FileHeader{Name: path.Join(dir, f.name), Method: zip.Deflate, Modified: at}
		head.SetMode(f.mode())
		into, err := archive.CreateHeader(head)
		if err != nil {
			return err
		}
		if _, err := into.Write(data); err != nil {
			return err
		}
	}
	return archive.Close()
}
