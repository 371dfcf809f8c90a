package runtimedir

import "io/fs"

// shortTemp is a directory for temporary files that has a short name.
const shortTemp = `C:\Windows\Temp`

// checkOwn accepts all: the place for temporary files is the user's own, and
// nothing that needs protection is put there on Windows.
func checkOwn(string, fs.FileInfo) error { return nil }
