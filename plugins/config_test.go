package plugins

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/tokentoss/tokentoss/plugins/setting"
)

type common struct {
	Timeout string `json:"timeout" about:"how long a call may take" default:"5s"`
}

type Shared struct {
	Region string `json:"region"`
}

type rich struct {
	common
	*Shared
	Address  string         `json:"address" about:"of the server" required:"true"`
	Password setting.Secret `json:"password,omitzero"`
	Retries  int            `json:"retries" default:"3"`
	Hosts    []string       `json:"hosts" default:"[\"localhost\"]"`
}

// Settings of embedded structs are described as they are written: beside the others.
func TestSettingsAreDescribedWithTheirDefaults(t *testing.T) {
	t.Parallel()
	want := []Setting{
		{Name: "timeout", Type: "text", About: "how long a call may take", Default: "5s"},
		{Name: "region", Type: "text"},
		{Name: "address", Type: "text", About: "of the server", Required: true},
		{Name: "password", Type: "a secret: {file = PATH} or {command = [PROGRAM, ARGUMENT...]}", Secret: true},
		{Name: "retries", Type: "a number", Default: "3"},
		{Name: "hosts", Type: "a list", Default: `["localhost"]`},
	}
	if got := settingsOf[rich](); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}

func TestSettingsHaveTheirDefaults(t *testing.T) {
	t.Parallel()
	c, err := decode[rich](Request{Settings: []byte(`{"address": "a", "retries": 7, "region": "eu"}`)})
	if err != nil || c.Timeout != "5s" || c.Retries != 7 || len(c.Hosts) != 1 || c.Region != "eu" {
		t.Errorf("%+v, error %v", c, err)
	}
}

func TestSettingsThatAreRequired(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "{}", `{"timeout": "1s"}`, `{"address": ""}`} {
		if _, err := decode[rich](Request{Settings: []byte(text)}); !errors.Is(err, ErrBadConfig) || !strings.Contains(err.Error(), "address must be set: of the server") {
			t.Errorf("%q: error %v", text, err)
		}
	}
}

// A secret that was written into the settings is refused and not shown.
func TestSecretSettingIsNeverShown(t *testing.T) {
	t.Parallel()
	_, err := decode[rich](Request{Settings: []byte(`{"address": "a", "password": "correct-horse"}`)})
	if !errors.Is(err, ErrBadConfig) || strings.Contains(err.Error(), "horse") {
		t.Errorf("error %v", err)
	}
}
