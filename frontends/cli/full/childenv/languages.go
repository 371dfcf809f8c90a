package childenv

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
)

// php names a directory of settings for PHP, which reads no variable for its roots. It is
// read after those that PHP has by itself, or that the variable named before.
func (b *builder) php() error {
	const variable = "PHP_INI_SCAN_DIR"
	roots := b.Set["SSL_CERT_FILE"]
	dir := filepath.Join(b.Dir, "php")
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	text := "curl.cainfo=\"" + roots + "\"\nopenssl.cafile=\"" + roots + "\"\n"
	if err := os.WriteFile(filepath.Join(dir, "tokentoss.ini"), []byte(text), 0o600); err != nil {
		return err
	}
	b.Set[variable] = b.get(variable) + string(os.PathListSeparator) + dir
	return nil
}

// rProfile is read as R starts, in place of the profile of the site, which it reads. The
// package curl, on which httr2 and httr are built, has no setting for its roots but one in
// each request: here it gets that as it is loaded. R's own connections read CURL_CA_BUNDLE.
const rProfile = `local({
  own <- %s
  if (file.exists(own)) sys.source(own, envir = globalenv())
  setHook(packageEvent("curl", "onLoad"), function(...) {
    ns <- asNamespace("curl")
    new_handle <- ns$new_handle
    unlockBinding("new_handle", ns)
    assign("new_handle", function(...) {
      ns$handle_setopt(new_handle(cainfo = Sys.getenv("CURL_CA_BUNDLE")), ...)
    }, envir = ns)
    lockBinding("new_handle", ns)
  })
})
`

// r names a profile for R.
func (b *builder) r() error {
	const variable = "R_PROFILE"
	own := `file.path(R.home("etc"), "Rprofile.site")`
	if path := b.get(variable); path != "" {
		own = strconv.Quote(path) // R's strings have the same escapes
	}
	path, err := b.files.put("Rprofile", fmt.Appendf(nil, rProfile, own))
	b.Set[variable] = path
	return err
}
