package plugins

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"reflect"
	"strings"
	"testing"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/plugins/internal/handshake"
	"github.com/tokentoss/tokentoss/plugins/internal/pb"
)

type settings struct {
	Folder   string            `json:"folder" about:"folder of the documents"`
	Port     int               `json:"port,omitempty"`
	On       bool              `json:"on"`
	Names    []string          `json:"names"`
	Table    map[string]string `json:"table"`
	Maybe    *float64          `json:"maybe"`
	Untagged uint8
	Skipped  string `json:"-"`
	private  string
}

// TestSettings describes what a person can write.
func TestSettings(t *testing.T) {
	t.Parallel()
	want := []Setting{
		{Name: "folder", Type: "text", About: "folder of the documents"}, {Name: "port", Type: "a number"}, {Name: "on", Type: "true or false"},
		{Name: "names", Type: "a list"}, {Name: "table", Type: "a table"}, {Name: "maybe", Type: "a number"}, {Name: "Untagged", Type: "a number"},
	}
	if got := settingsOf[settings](); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
	_ = settings{}.private
	if settingsOf[struct{}]() != nil || settingsOf[map[string]any]() != nil || settingsOf[any]() != nil {
		t.Error("what has no fields has settings")
	}
}

// TestDecode reads settings, and says in a person's words what is wrong with them.
func TestDecode(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"folder":"a","port":8,"on":true,"names":["b"],"table":{"c":"d"},"maybe":1.5,"Untagged":2}`: "", "": "", " \n": "", "{}": "", `{"folder":null}`: "",
		`{"foldr":"a"}`:          `there is no setting "foldr"; available: folder, port, on, names, table, maybe, Untagged`,
		`{"Skipped":"a"}`:        `there is no setting "Skipped"`,
		`{"private":"a"}`:        `there is no setting "private"`,
		`{"folder":1}`:           "folder must be text",
		`{"port":"8"}`:           "port must be a number",
		`{"on":"yes"}`:           "on must be true or false",
		`{"names":"a"}`:          "names must be a list",
		`{"table":[]}`:           "table must be a table",
		`{"maybe":"x"}`:          "maybe must be a number",
		`{"port":1.5}`:           "port must be a number",
		`{"Untagged":256}`:       "Untagged must be a number",
		`{"folder":"a"} {}`:      "they are not one JSON object",
		`{"folder":"a"} x`:       "they are not one JSON object",
		`{"folder":"a"}]`:        "they are not one JSON object",
		`{"folder":`:             "they are not a JSON object",
		`[]`:                     "they are not a JSON object",
		`"text"`:                 "they are not a JSON object",
		`folder = "needle"`:      "they are not a JSON object",
		`{"port":"GOCSPX-need"}`: "port must be a number",
	} {
		c, err := decode[settings](Request{Settings: []byte(text)})
		switch {
		case want == "" && err != nil:
			t.Errorf("%s: %v", text, err)
		case want != "" && (!errors.Is(err, ErrBadConfig) || !strings.HasPrefix(err.Error(), ErrBadConfig.Error()+": "+want)):
			t.Errorf("%s: %v, want %s", text, err, want)
		case err != nil && strings.Contains(err.Error(), "need"):
			t.Errorf("%s: the error quotes a value: %v", text, err)
		}
		if strings.Contains(text, `"Untagged":2}`) && (c.Folder != "a" || c.Port != 8 || !c.On || c.Untagged != 2 || *c.Maybe != 1.5) {
			t.Errorf("%s is %+v", text, c)
		}
	}
	if _, err := decode[struct{}](Request{Settings: []byte(`{"a":1}`)}); err == nil || !strings.Contains(err.Error(), "available: none") {
		t.Errorf("a plugin without settings: %v", err)
	}
}

// memory is the least store that there is.
type memory struct{ closed *bool }

func (memory) Load(context.Context, string) (core.Record, error) {
	return core.Record{}, core.ErrNotFound
}
func (memory) Save(_ context.Context, _ string, r core.Record) (core.Record, error) {
	return r, nil
}
func (memory) Delete(context.Context, string) error { return nil }
func (m memory) Close() error                       { *m.closed = true; return nil }

// mighty is one with every power.
type mighty struct{ memory }

func (mighty) Lock(context.Context, string) (core.Lease, error) { return nil, core.ErrLocked }
func (mighty) List(context.Context) ([]string, error)           { return nil, nil }

// TestPowers: a store has the powers that its plugin declares, and one that is
// declared and missing is found before anybody relies on it.
func TestPowers(t *testing.T) {
	t.Parallel()
	for _, declared := range []struct{ locking, listing bool }{{}, {true, false}, {false, true}, {true, true}} {
		closed := false
		open := func(s core.TokenStore) (core.TokenStore, error) {
			p := Store(Info{Name: "x", Version: "v1", Locking: declared.locking, Listing: declared.listing},
				func(context.Context, Opening[struct{}]) (core.TokenStore, error) { return s, nil })
			return p.OpenStore(t.Context(), Request{})
		}
		s, err := open(mighty{memory{&closed}})
		if err != nil {
			t.Fatal(err)
		}
		can := core.CapabilitiesOf(s)
		if can.Locking != declared.locking || can.Listing != declared.listing || closed {
			t.Errorf("declared %v: has %v; closed: %v", declared, can, closed)
		}
		s, err = open(memory{&closed})
		switch {
		case declared.locking && (err == nil || !strings.Contains(err.Error(), "declares locking")),
			!declared.locking && declared.listing && (err == nil || !strings.Contains(err.Error(), "declares listing")):
			t.Errorf("declared %v, and it has none: %v, %v", declared, s, err)
		case err != nil && !closed:
			t.Errorf("declared %v: it was not closed", declared)
		}
	}
}

// TestRequest: a plugin may rely on its log and on Ask.
func TestRequest(t *testing.T) {
	t.Parallel()
	p := Store(Info{Name: "x"}, func(ctx context.Context, o Opening[settings]) (core.TokenStore, error) {
		o.Log.Info("nothing")
		if o.Name != "mine" || o.Dir != "/d" || o.Config.Folder != "f" {
			t.Errorf("opened with %+v", o)
		}
		_, err := o.Ask(ctx, "?")
		return nil, err
	})
	r := Request{Name: "mine", Dir: "/d", Settings: []byte(`{"folder":"f"}`)}
	if _, err := p.OpenStore(t.Context(), r); !errors.Is(err, core.ErrSealed) {
		t.Errorf("asking nobody: %v", err)
	}
	if _, err := p.OpenFrontend(t.Context(), r); err == nil || !strings.Contains(err.Error(), "plugin x is a store, not a frontend") {
		t.Errorf("a store as a frontend: %v", err)
	}
	f := Frontend(Info{Name: "y"}, func(context.Context, Opening[settings]) (core.Frontend, error) { return nil, nil })
	if _, err := f.OpenStore(t.Context(), r); err == nil || !strings.Contains(err.Error(), "plugin y is a frontend, not a store") {
		t.Errorf("a frontend as a store: %v", err)
	}
	if _, err := f.OpenFrontend(t.Context(), Request{Settings: []byte("{")}); !errors.Is(err, ErrBadConfig) {
		t.Errorf("bad settings: %v", err)
	}
}

// TestIntroduce: an executable that a person starts says what it is.
func TestIntroduce(t *testing.T) {
	t.Parallel()
	p := Store(Info{Name: "pass", Version: "v1.2.3", About: "the password manager", Listing: true},
		func(context.Context, Opening[settings]) (core.TokenStore, error) { return nil, nil })
	var out, errs bytes.Buffer
	if code := p.introduce([]string{"describe"}, &out, &errs); code != 0 || errs.Len() > 0 {
		t.Errorf("describe: exit code %d, %s", code, &errs)
	}
	var got map[string]any
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatalf("describe printed %s: %v", &out, err)
	}
	for key, want := range map[string]any{
		"name": "pass", "version": "v1.2.3", "about": "the password manager", "kind": "store", "protocol": 1.0, "listing": true, "locking": nil,
	} {
		if got[key] != want {
			t.Errorf("%s is %v, want %v", key, got[key], want)
		}
	}
	if list, _ := got["settings"].([]any); len(list) != 7 || !reflect.DeepEqual(list[0], map[string]any{"name": "folder", "type": "text", "about": "folder of the documents"}) {
		t.Errorf("the settings are %v", got["settings"])
	}
	for _, args := range [][]string{nil, {"help"}, {"describe", "more"}, {"--version"}} {
		out.Reset()
		errs.Reset()
		code := p.introduce(args, &out, &errs)
		if text := errs.String(); code != 2 || out.Len() > 0 || !strings.Contains(text, "pass v1.2.3: a store for tokentoss") || !strings.Contains(text, "\nhint: tokentoss plugin install ") {
			t.Errorf("%q: exit code %d, printed %q, %q", args, code, &out, text)
		}
	}
	if code := p.introduce([]string{"describe"}, broken{}, &errs); code != 1 {
		t.Errorf("describe to a broken pipe: exit code %d", code)
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

// TestCheck: what an author has to mend is found when the plugin is served.
func TestCheck(t *testing.T) {
	t.Parallel()
	for name, ok := range map[string]bool{"pass": true, "a.b-c_1": true, "": false, "Pass": false, "../x": false, "a b": false, "con": false, strings.Repeat("x", 65): false} {
		p := Store(Info{Name: name}, func(context.Context, Opening[settings]) (core.TokenStore, error) { return nil, nil })
		if err := p.check(); (err == nil) != ok || err != nil && !errors.Is(err, core.ErrBadKey) {
			t.Errorf("%q: %v", name, err)
		}
	}
	if err := (Plugin{Info: Info{Name: "x"}}).check(); err == nil || !strings.Contains(err.Error(), "neither by plugins.Store nor by plugins.Frontend") {
		t.Errorf("a plugin that was not made: %v", err)
	}
}

// TestDescribe fills a description, and its message says the same: a field that is
// added to one is added to the other.
func TestDescribe(t *testing.T) {
	t.Parallel()
	p := Store(Info{Name: "pass", Version: "v1", About: "about", Locking: true, Listing: true},
		func(context.Context, Opening[settings]) (core.TokenStore, error) { return nil, nil })
	d := reflect.ValueOf(p.Describe())
	for i := range d.NumField() {
		if d.Field(i).IsZero() {
			t.Errorf("%s is not described", d.Type().Field(i).Name)
		}
	}
	m, err := (&describer{plugin: p}).Describe(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	fields := m.ProtoReflect().Descriptor().Fields()
	for i := range fields.Len() {
		if f := fields.Get(i); !m.ProtoReflect().Has(f) {
			t.Errorf("field %s is not set", f.FullName())
		}
	}
	if len(m.GetCapabilities()) != len(pb.Capability_name)-1 {
		t.Errorf("the capabilities are %v, and there are %v", m.GetCapabilities(), pb.Capability_name)
	}
	if s := m.GetSettings(); len(s) != len(p.Settings) || s[0].GetName() != "folder" || s[0].GetType() != "text" || s[0].GetAbout() == "" {
		t.Errorf("the settings are %v", s)
	}
	// Beside what is the same in each.
	if got, want := d.NumField(), fields.Len()+2; got != want { // protocol; and two capabilities are one field
		t.Errorf("a Description has %d fields, and its message makes %d", got, want)
	}
	if p.Describe().Protocol != handshake.Protocol {
		t.Errorf("the protocol is %d", p.Describe().Protocol)
	}
}

// TestLog: what a plugin logs is JSON that the host reads, without secrets.
func TestLog(t *testing.T) {
	t.Parallel()
	const needle = "GOCSPX-needle-needle"
	var out bytes.Buffer
	log := newLogger(&out)
	log.Error("failed with "+needle, "err", errors.New("got "+needle), "text", needle, "secret", core.Secret("needle"), slog.Group("g", "x", needle))
	var line map[string]any
	if err := json.Unmarshal(out.Bytes(), &line); err != nil || line["level"] != "ERROR" {
		t.Errorf("%s: %v", &out, err)
	}
	if strings.Contains(out.String(), "needle") {
		t.Errorf("logged %s", &out)
	}
}
