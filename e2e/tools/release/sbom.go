package main

import (
	"cmp"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/CycloneDX/cyclonedx-go"
)

// own is the path of this repository's modules, which have the version of the
// release.
const own = "github.com/tokentoss/tokentoss"

// writeBOM writes what the executables of the target are made of, in the form of
// CycloneDX: the modules that the linker has recorded in them, and the standard
// library.
func (t *target) writeBOM(path string) error {
	bom := cyclonedx.NewBOM()
	root := cyclonedx.Component{
		BOMRef: "tokentoss", Type: cyclonedx.ComponentTypeApplication, Name: "tokentoss", Version: t.version,
		Licenses: &cyclonedx.Licenses{{License: &cyclonedx.License{ID: "MIT"}}},
	}
	bom.Metadata = &cyclonedx.Metadata{Timestamp: t.time.Format(time.RFC3339), Component: &root}
	var components []cyclonedx.Component
	var dependencies []cyclonedx.Dependency
	for _, name := range t.executables() {
		c, modules, err := t.executable(name)
		if err != nil {
			return err
		}
		refs := make([]string, len(modules))
		for i, m := range modules {
			refs[i] = m.BOMRef
		}
		dependencies = append(dependencies, cyclonedx.Dependency{Ref: name, Dependencies: &refs})
		components = append(append(components, c), modules...)
	}
	slices.SortFunc(components, func(a, b cyclonedx.Component) int { return cmp.Compare(a.BOMRef, b.BOMRef) })
	components = slices.CompactFunc(components, func(a, b cyclonedx.Component) bool { return a.BOMRef == b.BOMRef })
	names := t.executables()
	dependencies = append(dependencies, cyclonedx.Dependency{Ref: root.BOMRef, Dependencies: &names})
	bom.Components, bom.Dependencies = &components, &dependencies
	out, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(cyclonedx.NewBOMEncoder(out, cyclonedx.BOMFileFormatJSON).SetPretty(true).Encode(bom), out.Close())
}

// executable describes an executable and the modules in it.
func (t *target) executable(name string) (cyclonedx.Component, []cyclonedx.Component, error) {
	data, err := os.ReadFile(filepath.Join(t.bin, name))
	if err != nil {
		return cyclonedx.Component{}, nil, err
	}
	info, err := buildinfo.ReadFile(filepath.Join(t.bin, name))
	if err != nil {
		return cyclonedx.Component{}, nil, err
	}
	sum := sha256.Sum256(data)
	c := cyclonedx.Component{
		BOMRef: name, Type: cyclonedx.ComponentTypeFile, Name: name, Version: t.version,
		Hashes: &[]cyclonedx.Hash{{Algorithm: cyclonedx.HashAlgoSHA256, Value: hex.EncodeToString(sum[:])}},
	}
	modules := []cyclonedx.Component{t.module(&info.Main), library("std", strings.TrimPrefix(info.GoVersion, "go"))}
	for _, m := range info.Deps {
		modules = append(modules, t.module(m))
	}
	return c, modules, nil
}

// module describes a Go module. What replaces one is what is in the executable.
func (t *target) module(m *debug.Module) cyclonedx.Component {
	if m.Path == own || strings.HasPrefix(m.Path, own+"/") {
		return library(m.Path, "v"+t.version)
	}
	if m.Replace != nil {
		m = m.Replace
	}
	return library(m.Path, m.Version)
}

func library(path, version string) cyclonedx.Component {
	url := "pkg:golang/" + path + "@" + version
	return cyclonedx.Component{BOMRef: url, Type: cyclonedx.ComponentTypeLibrary, Name: path, Version: version, PackageURL: url}
}
