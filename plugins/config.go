package plugins

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"

	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/plugins/internal/wire"
	"github.com/tokentoss/tokentoss/plugins/setting"
)

// ErrBadConfig is what errors about settings wrap.
const ErrBadConfig = wire.ErrBadConfig

// decode reads the settings of a request, strictly: a key that is not known is a
// typing mistake. What is not set has its default.
func decode[C any](r Request) (C, error) {
	var c C
	fields := fieldsOf(reflect.TypeFor[C](), nil)
	if err := setDefaults(reflect.ValueOf(&c).Elem(), fields); err != nil {
		return c, err
	}
	data := bytes.TrimSpace(r.Settings)
	if len(data) == 0 {
		data = []byte("{}")
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&c); err != nil {
		return c, wrongSettings(err, fields)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return c, fmt.Errorf("%w: they are not one JSON object", ErrBadConfig)
	}
	for _, f := range fields {
		if f.Required && f.in(reflect.ValueOf(&c).Elem()).IsZero() {
			return c, fmt.Errorf("%w: %s must be set: %s", ErrBadConfig, f.Name, f.About)
		}
	}
	return c, nil
}

// wrongSettings says what is wrong with settings, and nothing of what is in them.
func wrongSettings(err error, fields []field) error {
	var own *fault.Error
	var kind *json.UnmarshalTypeError
	switch name, unknown := strings.CutPrefix(err.Error(), "json: unknown field "); {
	case errors.As(err, &own): // of a type that reads itself
		return fmt.Errorf("%w: %w", ErrBadConfig, own)
	case errors.As(err, &kind) && kind.Field != "":
		return fmt.Errorf("%w: %s must be %s", ErrBadConfig, kind.Field, typeName(kind.Type))
	case unknown:
		return fmt.Errorf("%w: there is no setting %s; available: %s", ErrBadConfig, name, names(fields))
	}
	return fmt.Errorf("%w: they are not a JSON object", ErrBadConfig)
}

func names(fields []field) string {
	if len(fields) == 0 {
		return "none"
	}
	list := make([]string, len(fields))
	for i, f := range fields {
		list[i] = f.Name
	}
	return strings.Join(list, ", ")
}

// A field is a setting and where it is in its struct.
type field struct {
	Setting
	index []int
	kind  reflect.Type
}

// fieldsOf returns the settings of a type, also of structs that it embeds, as package
// encoding/json sees them.
func fieldsOf(t reflect.Type, at []int) []field {
	if t.Kind() != reflect.Struct {
		return nil
	}
	var list []field
	for i := range t.NumField() {
		f := t.Field(i)
		index := append(at[:len(at):len(at)], i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && name == "" && structOf(f.Type) != nil:
			list = append(list, fieldsOf(structOf(f.Type), index)...)
			continue
		case !f.IsExported() || name == "-":
			continue
		case name == "":
			name = f.Name
		}
		list = append(list, field{Setting{
			Name: name, Type: typeName(f.Type), About: f.Tag.Get("about"), Default: f.Tag.Get("default"),
			Required: f.Tag.Get("required") == "true", Secret: f.Type == reflect.TypeFor[setting.Secret](),
		}, index, f.Type})
	}
	return list
}

// structOf returns the type of a struct that is embedded, itself or by a pointer.
func structOf(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return nil
	}
	return t
}

// in returns the field of a struct, of which it makes what is missing on the way.
func (f field) in(c reflect.Value) reflect.Value {
	for _, i := range f.index {
		if c.Kind() == reflect.Pointer {
			if c.IsNil() {
				c.Set(reflect.New(c.Type().Elem()))
			}
			c = c.Elem()
		}
		c = c.Field(i)
	}
	return c
}

// settingsOf describes the fields of C.
func settingsOf[C any]() []Setting {
	var list []Setting
	for _, f := range fieldsOf(reflect.TypeFor[C](), nil) {
		list = append(list, f.Setting)
	}
	return list
}

// setDefaults sets the fields that have a default: a text as it is, others as JSON.
func setDefaults(c reflect.Value, fields []field) error {
	for _, f := range fields {
		if f.Default == "" {
			continue
		}
		to := f.in(c)
		if f.kind.Kind() == reflect.String {
			to.SetString(f.Default)
		} else if err := json.Unmarshal([]byte(f.Default), to.Addr().Interface()); err != nil {
			return fmt.Errorf("%w: the default of %s is not %s: its author has to correct that", ErrBadConfig, f.Name, f.Type)
		}
	}
	return nil
}

// typeName is what a person has to write for a setting.
func typeName(t reflect.Type) string {
	if t == reflect.TypeFor[setting.Secret]() {
		return setting.Secret{}.Describe()
	}
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
