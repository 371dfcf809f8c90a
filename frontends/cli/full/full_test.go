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
		if v.Type().Field(i).Name == "RunProxy" {
			continue // only the process beside a run has it, see serveRun
		}
		if f := v.Field(i); (f.Kind() == reflect.Func || f.Kind() == reflect.Interface) && f.IsNil() {
			t.Errorf("%s is missing", v.Type().Field(i).Name)
		}
	}
}
