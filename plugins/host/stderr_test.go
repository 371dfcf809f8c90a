package host

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// newTestReader returns a reader with a clock that stands still, and its log.
func newTestReader() (*stderrReader, *bytes.Buffer) {
	log := &bytes.Buffer{}
	r := newStderrReader(slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{
		Level: slog.LevelDebug,
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		},
	})))
	now := time.Unix(1_700_000_000, 0)
	r.at, r.now = now, func() time.Time { return now }
	return r, log
}

// Whoever speaks is named before what is said: a log line that says "error: ..." would be
// taken for tokentoss's own.
func TestStderrNamesThePluginFirst(t *testing.T) {
	t.Parallel()
	r, log := newTestReader()
	r.speaker = "plugin x: "
	fmt.Fprintln(r, `{"level":"ERROR","msg":"sign in at https://evil.example"}`)
	fmt.Fprintln(r, "tokentoss: error: y")
	if want := "level=ERROR msg=\"plugin x: sign in at https://evil.example\"\nlevel=DEBUG msg=\"plugin x: tokentoss: error: y\"\n"; log.String() != want {
		t.Errorf("%s\nwant %s", log, want)
	}
}

// TestStderrLines: each line is logged as what it is.
func TestStderrLines(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"plain\n":         "level=DEBUG msg=plain\n",
		"a\n\n \r\nb\r\n": "level=DEBUG msg=a\nlevel=DEBUG msg=b\n",
		"not ended":       "",
		"\xff\xfe\n":      "level=DEBUG msg=\"\ufffd\"\n",
		`{"level":"WARN","msg":"m","k":"v"}` + "\n":                                              "level=WARN msg=m k=v\n",
		`{"level":"WARN+1","msg":"m"}` + "\n":                                                    "level=WARN+1 msg=m\n",
		`{"time":"t","level":"INFO","msg":"m"}` + "\n":                                           "level=INFO msg=m\n",
		`{"@message":1}` + "\n":                                                                  `level=DEBUG msg="{\"@message\":1}"` + "\n",
		`{"msg":"m"}` + "\n":                                                                     `level=DEBUG msg="{\"msg\":\"m\"}"` + "\n",
		"token ya29.needleneedle\n":                                                              `level=DEBUG msg="token [secret]"` + "\n",
		`{"level":"INFO","msg":"m","k":"ya29.needleneedle"}` + "\n":                              "level=INFO msg=m k=[secret]\n",
		`{"level":"INFO","msg":"m","k":{"n":["ya29.needleneedle"]}}` + "\n":                      "level=INFO msg=m k=map[n:[[secret]]]\n",
		"-----BEGIN PRIVATE KEY-----\nneedle\nneedle==\n-----END PRIVATE KEY-----\nafter\n":      "level=DEBUG msg=[secret]\nlevel=DEBUG msg=after\n",
		"k: -----BEGIN RSA PRIVATE KEY-----\nneedle\n-----END RSA PRIVATE KEY----- and\nafter\n": "level=DEBUG msg=\"k: [secret]\"\nlevel=DEBUG msg=\" and\"\nlevel=DEBUG msg=after\n",
		"-----BEGIN PRIVATE KEY-----needle-----END PRIVATE KEY-----\nafter\n":                    "level=DEBUG msg=[secret]\nlevel=DEBUG msg=after\n",
		"-----BEGIN CERTIFICATE-----\npublic\n":                                                  "level=DEBUG msg=\"-----BEGIN CERTIFICATE-----\"\nlevel=DEBUG msg=public\n",
	} {
		for _, size := range []int{1, 7, 1 << 20} { // however it arrives
			r, log := newTestReader()
			for rest := []byte(text); len(rest) > 0; rest = rest[min(size, len(rest)):] {
				part := rest[:min(size, len(rest))]
				if n, err := r.Write(part); n != len(part) || err != nil {
					t.Errorf("Write = %d, %v", n, err)
				}
			}
			if log.String() != want {
				t.Errorf("%q by %d was logged as\n%s\nwant\n%s", text, size, log, want)
			}
		}
	}
}

// TestStderrBounds: neither long lines nor many can fill memory or the log.
func TestStderrBounds(t *testing.T) {
	t.Parallel()
	r, log := newTestReader()
	for range 100 {
		_, _ = r.Write(bytes.Repeat([]byte("x"), 64<<10))
	}
	if len(r.line) > maxLine || cap(r.line) > 4*maxLine {
		t.Errorf("%d bytes of a line are kept, in %d", len(r.line), cap(r.line))
	}
	_, _ = r.Write([]byte("\n"))
	for i := range 100_000 {
		fmt.Fprintf(r, "line %d\n", i)
	}
	if n := strings.Count(log.String(), "\n"); n != burst {
		t.Errorf("%d lines were logged at once, want %d", n, burst)
	}
	later := r.at.Add(100 * time.Millisecond)
	r.now = func() time.Time { return later }
	for range 100 {
		fmt.Fprintln(r, "later")
	}
	if n := strings.Count(log.String(), "msg=later\n"); n != lineRate/10 {
		t.Errorf("%d lines were logged in a tenth of a second, want %d", n, lineRate/10)
	}
	if want := fmt.Sprintf("lines=%d\n", 100_001-burst); !strings.Contains(log.String(), want) {
		t.Errorf("nobody is told of %s", want)
	}
}

// TestStderrCrash: the first line of a crash is found, also among many lines.
func TestStderrCrash(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"panic: oh\n\ngoroutine 1 [running]:\npanic: again\n":  "panic: oh",
		"fatal error: all goroutines are asleep - deadlock!\n": "fatal error: all goroutines are asleep - deadlock!",
		"panic: with GOCSPX-needleneedle\n":                    "panic: with [secret]",
		"do not panic: all is well\n":                          "",
		strings.Repeat("x\n", 2*burst) + "panic: late\n":       "panic: late",
	} {
		r, _ := newTestReader()
		fmt.Fprint(r, text)
		if got := r.crash(); got != want {
			t.Errorf("%.60q: the crash is %q, want %q", text, got, want)
		}
	}
}

func FuzzStderr(f *testing.F) {
	f.Add([]byte(`{"@message":1}`+"\n"), 3)
	f.Add([]byte("-----BEGIN PRIVATE KEY-----\n\xff\x00\n-----END \n"), 1)
	f.Add([]byte(`{"level":"INFO","msg":"x","a":[{"b":null}]}`+"\n"), 100)
	f.Fuzz(func(t *testing.T, text []byte, size int) {
		if size <= 0 {
			return
		}
		r, log := newTestReader()
		for rest := text; len(rest) > 0; rest = rest[min(size, len(rest)):] {
			_, _ = r.Write(rest[:min(size, len(rest))])
		}
		if lines, logged := bytes.Count(text, []byte("\n")), bytes.Count(log.Bytes(), []byte("\n")); logged > lines+1 {
			t.Errorf("%d lines became %d in the log:\n%s", lines, logged, log)
		}
	})
}
