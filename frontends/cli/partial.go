package cli

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/tokentoss/tokentoss/core/privatefile"
)

// A partial is what is known of an answer that is not whole yet, so that the same
// command can go on with it where the service allows that (RFC 9110 sections 13.1.5
// and 14.2). It is kept with the configuration, since others may be able to write
// where the answer goes. A nil partial is that of an answer which cannot be continued.
type partial struct {
	path string // of the file with what follows
	free func() error

	Part string `json:"part"` // where it is
	ETag string `json:"etag"` // what it is
}

// partialOf returns what is known of the answer to a request, where there can be
// anything.
func (in *Invocation) partialOf(ctx context.Context, req *http.Request) *partial {
	name := in.String("output")
	if req.Method != http.MethodGet || name == "" || name == "-" || in.Bool("include") ||
		req.Header.Get("Range") != "" || req.Header.Get("If-Range") != "" || req.Header.Get("Accept-Encoding") != "" {
		return nil
	}
	dir, err := in.Dir()
	if err != nil {
		return nil
	}
	abs, err := in.path("output")
	if err != nil {
		return nil
	}
	dir = filepath.Join(dir, "downloads")
	if err := privatefile.MakeDir(dir, true); err != nil {
		return nil
	}
	sum := sha256.Sum256([]byte(abs + "\n" + req.URL.String()))
	p := &partial{path: filepath.Join(dir, hex.EncodeToString(sum[:16])+".json")}
	// Another command may be at the same.
	ctx, cancel := context.WithTimeout(ctx, 10*time.Millisecond)
	defer cancel()
	if p.free, err = privatefile.Lock(ctx, p.path); err != nil {
		return nil
	}
	if data, _, err := privatefile.Read(p.path); err != nil || json.Unmarshal(data, p) != nil {
		p.Part, p.ETag = "", ""
	}
	return p
}

// unlock lets others have it, and leaves nothing behind where nothing is known.
func (p *partial) unlock() {
	if p == nil {
		return
	}
	if !p.begun() {
		_ = os.Remove(filepath.Join(filepath.Dir(p.path), "."+filepath.Base(p.path)+".lock"))
	}
	_ = p.free()
}

// begun tells whether there is something to go on with.
func (p *partial) begun() bool { return p != nil && p.Part != "" && p.ETag != "" }

// ask asks for what is missing.
func (p *partial) ask(req *http.Request, o *output) {
	if p == nil || !o.isFile() {
		return
	}
	// A range is one of bytes as they are sent.
	req.Header.Set("Accept-Encoding", "identity")
	if have := o.received.Load(); p.begun() && have > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", have))
		req.Header.Set("If-Range", p.ETag)
	}
}

// continues tells whether an answer goes on where the output ends, or begins anew.
func (p *partial) continues(res *http.Response, o *output) bool {
	if res.StatusCode != http.StatusPartialContent || !p.begun() || res.Request.Header.Get("If-Range") == "" {
		return true
	}
	from, _, ok := contentRange(res)
	etag := res.Header.Get("ETag")
	return ok && from == o.received.Load() && (etag == "" || etag == p.ETag)
}

// begin notes what is about to be received, if it could be continued.
func (p *partial) begin(res *http.Response, o *output) {
	if p == nil || !o.isFile() || res.StatusCode == http.StatusPartialContent {
		return
	}
	p.forget()
	etag := res.Header.Get("ETag")
	if res.StatusCode != http.StatusOK || !strings.HasPrefix(etag, `"`) || res.Header.Get("Content-Encoding") != "" ||
		!strings.EqualFold(res.Header.Get("Accept-Ranges"), "bytes") {
		return
	}
	part, err := filepath.Abs(o.file.Name())
	if err != nil {
		return
	}
	data, err := json.Marshal(&partial{Part: part, ETag: etag})
	if err == nil && privatefile.Replace(p.path, data) == nil {
		p.Part, p.ETag = part, etag
	}
}

// forget forgets what is known.
func (p *partial) forget() {
	if p != nil {
		_ = privatefile.Remove(p.path)
		p.Part, p.ETag = "", ""
	}
}

// contentRange reads Content-Range: the first byte and the length of the whole, -1 if
// that is not known.
func contentRange(res *http.Response) (from, total int64, ok bool) {
	var to int64
	header := res.Header.Get("Content-Range")
	if n, err := fmt.Sscanf(header, "bytes %d-%d/%d", &from, &to, &total); err == nil && n == 3 {
		return from, total, true
	}
	if n, err := fmt.Sscanf(header, "bytes %d-%d/*", &from, &to); err == nil && n == 2 {
		return from, -1, true
	}
	return 0, 0, false
}
