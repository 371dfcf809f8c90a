package plugins

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"

	"github.com/tokentoss/tokentoss/plugins/internal/wire"
)

// ErrBadConfig is what errors about settings wrap.
const ErrBadConfig = wire.ErrBadConfig

// decode reads the settings of a request, strictly: a key that is not known is a
// typing mistake.
func decode[C any](r Request) (C, error) {
	var c C
	if len(bytes.TrimSpace(r.Settings)) == 0 {
		return c, nil
	}
	dec := json.NewDecoder(bytes.NewReader(r.Settings))
	dec.DisallowUnknownFields()
	err := dec.Decode(&c)
	if err == nil {
		_, err = dec.Token()
		if !errors.Is(err, io.EOF) {
			return c, fmt.Errorf("%w: they are not one JSON object", ErrBadConfig)
		}
		return c, nil
	}
	var kind *json.UnmarshalTypeError
	if errors.As(err, &kind) && kind.Field != "" {
		return c, fmt.Errorf("%w: %s wants %s", ErrBadConfig, kind.Field, typeName(kind.Type))
	}
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return c, fmt.Errorf("%w: there is no setting %s; there is: %s", ErrBadConfig, name, names(settingsOf[C]()))
	}
	return c, fmt.Errorf("%w: they are not a JSON object", ErrBadConfig)
}

func names(settings []Setting) string {
	if len(settings) == 0 {
		return "none"
	}
	list := make([]string, len(settings))
	for i, s := range settings {
		list[i] = s.Name
	}
	return strings.Join(list, ", ")
}

// settingsOf describes the fields of C.
func settingsOf[C any]() []Setting {
	t := reflect.TypeFor[C]()
	if t.Kind() != reflect.Struct {
		return nil
	}
	var list []Setting
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case !f.IsExported() || name == "-":
			continue
		case name == "":
			name = f.Name
		}
		list = append(list, Setting{Name: name, Type: typeName(f.Type), About: f.Tag.Get("about")})
	}
	return list
}

// typeName is what a person has to write for a setting.
func typeName(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "text"
	case reflect.Bool:
		return "true or false"
	case reflect.Slice, reflect.Array:
		return "a list"
	case reflect.Map, reflect.Struct:
		return "a table"
	case reflect.Pointer:
		return typeName(t.Elem())
	}
	return "a number"
}
