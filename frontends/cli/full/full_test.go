package full

import (
	"reflect"
	"testing"
)

// The complete executable has all that the light one delegates to it: it would
// otherwise delegate to itself.
func TestNothingIsMissing(t *testing.T) {
	v := reflect.ValueOf(everything()).Elem()
	for i := range v.NumField() {
		if v.Field(i).IsNil() {
			t.Errorf("%s is missing", v.Type().Field(i).Name)
		}
	}
}
