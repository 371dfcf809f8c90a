package storetest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/tokentoss/tokentoss/core"
)

// onSave changes what is saved.
func onSave(name, says string, change func([]byte) []byte) fault {
	return patch(name, says, func(m *memory, p *patched) {
		p.save = func(ctx context.Context, key string, r core.Record) (core.Record, error) {
			data := r.Data
			saved, err := m.Save(ctx, key, core.Record{Data: change(bytes.Clone(data)), Revision: r.Revision})
			saved.Data = data
			return saved, err
		}
	})
}

func documentFaults() []fault {
	return []fault{
		patch("gives an empty document for one that is not there", "want core.ErrNotFound", func(m *memory, p *patched) {
			p.load = func(ctx context.Context, key string) (core.Record, error) {
				r, err := m.Load(ctx, key)
				if errors.Is(err, core.ErrNotFound) {
					return core.Record{}, nil
				}
				return r, err
			}
		}),
		patch("says of what is not there that it is damaged", "want one that wraps core.ErrNotFound", func(m *memory, p *patched) {
			p.load = func(ctx context.Context, key string) (core.Record, error) {
				r, err := m.Load(ctx, key)
				if errors.Is(err, core.ErrNotFound) {
					err = core.ErrCorrupt
				}
				return r, err
			}
		}),
		onSave("trims documents", "which was saved", bytes.TrimSpace),
		onSave("mends what is not UTF-8", "xff", func(data []byte) []byte {
			if utf8.Valid(data) {
				return data
			}
			return bytes.ToValidUTF8(data, []byte("?"))
		}),
		onSave("ends documents at a zero byte", "x00", func(data []byte) []byte {
			before, _, _ := bytes.Cut(data, []byte{0})
			return before
		}),
		onSave("cuts documents off at 64 KiB", "262145 bytes", func(data []byte) []byte { return data[:min(len(data), 64<<10)] }),
		onSave("cuts documents off at 1 MiB", "1048577 bytes", func(data []byte) []byte { return data[:min(len(data), 1<<20)] }),
		patch("has no name for a document that is too large", "core.ErrTooLarge", func(m *memory, p *patched) {
			p.save = func(ctx context.Context, key string, r core.Record) (core.Record, error) {
				if len(r.Data) > 1<<20 {
					return core.Record{}, errors.New("payload too large")
				}
				return m.Save(ctx, key, r)
			}
		}),
		patch("loses empty documents", "an empty document was saved", func(m *memory, p *patched) {
			p.load = func(ctx context.Context, key string) (core.Record, error) {
				r, err := m.Load(ctx, key)
				if err == nil && len(r.Data) == 0 {
					r.Data = []byte("{}")
				}
				return r, err
			}
		}),
		patch("keeps the caller's slice", "kept the caller's slice", func(m *memory, p *patched) {
			p.save = func(ctx context.Context, key string, r core.Record) (core.Record, error) {
				saved, err := m.Save(ctx, key, r)
				if err == nil {
					m.mu.Lock()
					defer m.mu.Unlock()
					m.docs[key] = saved
				}
				return saved, err
			}
		}),
		patch("returns the stored bytes from Save", "Save returned the stored bytes", func(m *memory, p *patched) {
			p.save = func(ctx context.Context, key string, r core.Record) (core.Record, error) {
				saved, err := m.Save(ctx, key, r)
				if err == nil {
					m.mu.Lock()
					defer m.mu.Unlock()
					saved = m.docs[key]
				}
				return saved, err
			}
		}),
		patch("returns the stored bytes from Load", "Load returned the stored bytes", func(m *memory, p *patched) {
			p.load = func(ctx context.Context, key string) (core.Record, error) {
				if r, err := m.Load(ctx, key); err != nil {
					return r, err
				}
				m.mu.Lock()
				defer m.mu.Unlock()
				return m.docs[key], nil
			}
		}),
		patch("encrypts the caller's bytes in place", "changed the bytes that it was given", func(m *memory, p *patched) {
			p.save = func(ctx context.Context, key string, r core.Record) (core.Record, error) {
				saved, err := m.Save(ctx, key, r)
				saved.Data = bytes.Clone(r.Data)
				for i := range r.Data {
					r.Data[i] ^= 0xff
				}
				return saved, err
			}
		}),
		patch("cannot delete what is not there", "want no error", func(m *memory, p *patched) {
			p.delete = func(ctx context.Context, key string) error {
				if _, err := m.Load(ctx, key); err != nil {
					return err
				}
				return m.Delete(ctx, key)
			}
		}),
		patch("does not delete", "after Delete", func(m *memory, p *patched) {
			p.delete = func(ctx context.Context, key string) error { return check(ctx, key) }
		}),
		patch("panics in Load", "Load panicked: no memory", func(m *memory, p *patched) {
			p.load = func(context.Context, string) (core.Record, error) { panic("no memory") }
		}),
	}
}

// onKeys changes the keys of a store.
func onKeys(name, says string, change func(string) string) fault {
	return patch(name, says, func(m *memory, p *patched) {
		to := func(key string) string {
			if core.CheckKey(key) != nil {
				return key
			}
			return change(key)
		}
		p.load = func(ctx context.Context, key string) (core.Record, error) { return m.Load(ctx, to(key)) }
		p.save = func(ctx context.Context, key string, r core.Record) (core.Record, error) {
			return m.Save(ctx, to(key), r)
		}
		p.delete = func(ctx context.Context, key string) error { return m.Delete(ctx, to(key)) }
	})
}

func keyFaults() []fault {
	return []fault{
		onKeys("has one document for all keys", "beside those of other keys", func(string) string { return core.DefaultKey }),
		onKeys("escapes dots and dashes alike", "beside those of other keys", func(key string) string { return strings.ReplaceAll(key, ".", "-") }),
		onKeys("cuts keys off", "beside those of other keys", func(key string) string { return key[:min(len(key), 63)] }),
		onKeys("takes keys for numbers", "beside those of other keys", func(key string) string {
			if n, err := strconv.Atoi(key); err == nil {
				return strconv.Itoa(n)
			}
			return key
		}),
		onKeys("puts a suffix to keys that others have", "beside those of other keys", func(key string) string { return strings.TrimSuffix(key, ".lock") }),
		patch("deletes all that begins with the key", "after other keys were deleted", func(m *memory, p *patched) {
			p.delete = func(ctx context.Context, key string) error {
				if err := check(ctx, key); err != nil {
					return err
				}
				m.mu.Lock()
				defer m.mu.Unlock()
				for k := range m.docs {
					if strings.HasPrefix(k, key) {
						delete(m.docs, k)
					}
				}
				return nil
			}
		}),
		patch("takes any key", `Load("")`, func(m *memory, p *patched) {
			p.load = func(ctx context.Context, key string) (core.Record, error) {
				if err := ctx.Err(); err != nil {
					return core.Record{}, err
				}
				m.mu.Lock()
				defer m.mu.Unlock()
				if r, ok := m.docs[key]; ok {
					return core.Record{Data: bytes.Clone(r.Data), Revision: r.Revision}, nil
				}
				return core.Record{}, core.ErrNotFound
			}
		}),
		patch("takes upper case", `Delete("Upper")`, func(m *memory, p *patched) {
			p.delete = func(ctx context.Context, key string) error { return m.Delete(ctx, strings.ToLower(key)) }
		}),
	}
}

func contextFaults() []fault {
	return []fault{
		patch("ignores ctx in Load", "Load with a ctx that has ended", func(m *memory, p *patched) {
			p.load = func(ctx context.Context, key string) (core.Record, error) {
				return m.Load(context.WithoutCancel(ctx), key)
			}
		}),
		patch("ignores ctx in Save", "Save with a ctx that has ended", func(m *memory, p *patched) {
			p.save = func(ctx context.Context, key string, r core.Record) (core.Record, error) {
				return m.Save(context.WithoutCancel(ctx), key, r)
			}
		}),
		patch("ignores ctx in Delete", "Delete with a ctx that has ended", func(m *memory, p *patched) {
			p.delete = func(ctx context.Context, key string) error { return m.Delete(context.WithoutCancel(ctx), key) }
		}),
		patch("says of every ctx that it was cancelled", "context.DeadlineExceeded", func(m *memory, p *patched) {
			p.load = func(ctx context.Context, key string) (core.Record, error) {
				if ctx.Err() != nil {
					return core.Record{}, context.Canceled
				}
				return m.Load(ctx, key)
			}
		}),
		patch("hides ctx's error", "context.Canceled", func(m *memory, p *patched) {
			p.save = func(ctx context.Context, key string, r core.Record) (core.Record, error) {
				if ctx.Err() != nil {
					return core.Record{}, core.ErrUnavailable
				}
				return m.Save(ctx, key, r)
			}
		}),
	}
}

func saveFaults() []fault {
	return []fault{
		patch("ignores revisions", "want one that wraps core.ErrConflict", func(m *memory, p *patched) {
			p.save = func(ctx context.Context, key string, r core.Record) (core.Record, error) {
				if err := check(ctx, key); err != nil {
					return core.Record{}, err
				}
				m.mu.Lock()
				defer m.mu.Unlock()
				return m.put(key, r.Data), nil
			}
		}),
		patch("saves from no revision whatever there is", "no revision, although there is a document", func(m *memory, p *patched) {
			p.save = func(ctx context.Context, key string, r core.Record) (core.Record, error) {
				if old, err := m.Load(ctx, key); err == nil && r.Revision == "" {
					r.Revision = old.Revision
				}
				return m.Save(ctx, key, r)
			}
		}),
		patch("does not know revisions that are not its own", "never gave", func(m *memory, p *patched) {
			p.save = func(ctx context.Context, key string, r core.Record) (core.Record, error) {
				if r.Revision == "no-such-revision" {
					return core.Record{}, errors.New("strconv: invalid syntax")
				}
				return m.Save(ctx, key, r)
			}
		}),
		patch("writes and then conflicts", "must change nothing", func(m *memory, p *patched) {
			p.save = func(ctx context.Context, key string, r core.Record) (core.Record, error) {
				saved, err := m.Save(ctx, key, r)
				if errors.Is(err, core.ErrConflict) {
					m.mu.Lock()
					defer m.mu.Unlock()
					m.put(key, r.Data)
				}
				return saved, err
			}
		}),
		patch("puts the document into the error", "contains the document", func(m *memory, p *patched) {
			p.save = func(ctx context.Context, key string, r core.Record) (core.Record, error) {
				saved, err := m.Save(ctx, key, r)
				if err != nil {
					err = fmt.Errorf("%w: saving %q", err, r.Data)
				}
				return saved, err
			}
		}),
		patch("loads with an old revision", "for the same document", func(m *memory, p *patched) {
			before := map[string]string{}
			p.load = func(ctx context.Context, key string) (core.Record, error) {
				r, err := m.Load(ctx, key)
				m.mu.Lock()
				defer m.mu.Unlock()
				was, ok := before[key]
				before[key] = r.Revision
				if ok {
					r.Revision = was
				}
				return r, err
			}
		}),
		patch("loads an old document from memory", "Load gives", func(m *memory, p *patched) {
			var cached *core.Record
			p.load = func(ctx context.Context, key string) (core.Record, error) {
				r, err := m.Load(ctx, key)
				if key != core.DefaultKey || err != nil {
					return r, err
				}
				m.mu.Lock()
				defer m.mu.Unlock()
				if cached == nil {
					cached = &r
				}
				return core.Record{Data: bytes.Clone(cached.Data), Revision: cached.Revision}, nil
			}
		}),
		patch("returns no revision from Save", "empty revision", func(m *memory, p *patched) {
			p.save = func(ctx context.Context, key string, r core.Record) (core.Record, error) {
				saved, err := m.Save(ctx, key, r)
				saved.Revision = ""
				return saved, err
			}
		}),
		{name: "takes the length for a revision", says: "the change cannot be seen", open: func(m *memory) core.TokenStore {
			return counted(m, func(_ string, _ int, data []byte) string { return strconv.Itoa(len(data)) })
		}},
		{name: "takes the document for a revision", says: "which is secret", open: func(m *memory) core.TokenStore {
			return counted(m, func(_ string, _ int, data []byte) string { return string(data) })
		}},
		{name: "counts each document's revisions from one", says: "", open: func(m *memory) core.TokenStore {
			return counted(m, func(_ string, saves int, _ []byte) string { return strconv.Itoa(saves) })
		}},
		{name: "counts revisions anew after Delete", says: "after Delete, a new document has revision", open: func(m *memory) core.TokenStore {
			return counted(m, func(key string, saves int, _ []byte) string { return key + strconv.Itoa(saves) })
		}},
		patch("saves what was deleted", "that was deleted", func(m *memory, p *patched) {
			p.save = func(ctx context.Context, key string, r core.Record) (core.Record, error) {
				if _, err := m.Load(ctx, key); errors.Is(err, core.ErrNotFound) {
					r.Revision = ""
				}
				return m.Save(ctx, key, r)
			}
		}),
		patch("compares and swaps in two steps", "at the same time", func(m *memory, p *patched) {
			p.save = func(ctx context.Context, key string, r core.Record) (core.Record, error) {
				if old, err := m.Load(ctx, key); err != nil && !errors.Is(err, core.ErrNotFound) {
					return core.Record{}, err
				} else if old.Revision != r.Revision {
					return core.Record{}, core.ErrConflict
				}
				for range 100 {
					runtime.Gosched()
				}
				m.mu.Lock()
				defer m.mu.Unlock()
				return m.put(key, r.Data), nil
			}
		}),
		patch("rewrites all documents without a lock", "other keys", func(m *memory, p *patched) {
			p.save = func(ctx context.Context, key string, r core.Record) (core.Record, error) {
				m.mu.Lock()
				others := map[string]core.Record{}
				for k, v := range m.docs {
					if k != key {
						others[k] = v
					}
				}
				m.mu.Unlock()
				for range 100 {
					runtime.Gosched()
				}
				saved, err := m.Save(ctx, key, r)
				m.mu.Lock()
				defer m.mu.Unlock()
				for k, v := range others {
					m.docs[k] = v
				}
				return saved, err
			}
		}),
		patch("writes a document in two parts", "parts of two", func(m *memory, p *patched) {
			p.save = func(ctx context.Context, key string, r core.Record) (core.Record, error) {
				saved, err := m.Save(ctx, key, r)
				if err != nil || len(r.Data) < 100 {
					return saved, err
				}
				m.mu.Lock()
				whole := m.docs[key]
				m.docs[key] = core.Record{Data: whole.Data[:len(whole.Data)/2], Revision: whole.Revision}
				m.mu.Unlock()
				for range 1000 {
					runtime.Gosched()
				}
				m.mu.Lock()
				defer m.mu.Unlock()
				m.docs[key] = whole
				return saved, err
			}
		}),
	}
}

// counted is a store that makes its revisions from the saves of a document and from
// the document.
func counted(m *memory, revision func(key string, saves int, data []byte) string) core.TokenStore {
	p := &patched{memory: m}
	saves := map[string]int{}
	p.save = func(ctx context.Context, key string, r core.Record) (core.Record, error) {
		if err := check(ctx, key); err != nil {
			return core.Record{}, err
		}
		m.mu.Lock()
		defer m.mu.Unlock()
		if m.docs[key].Revision != r.Revision {
			return core.Record{}, fmt.Errorf("key %s: %w", key, core.ErrConflict)
		}
		saves[key]++
		r.Revision = revision(key, saves[key], r.Data)
		m.docs[key] = core.Record{Data: bytes.Clone(r.Data), Revision: r.Revision}
		return r, nil
	}
	p.delete = func(ctx context.Context, key string) error {
		m.mu.Lock()
		saves[key] = 0
		m.mu.Unlock()
		return m.Delete(ctx, key)
	}
	return p
}
