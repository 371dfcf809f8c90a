package rpc

import "github.com/tokentoss/tokentoss/core/fault"

// exception returns the name of the Python package's exception for a reason.
func exception(reason string) string {
	switch reason {
	case "refresh_failed":
		return fault.ProviderBusy.Row().Python
	case "cancelled":
		return fault.Canceled.Row().Python
	}
	return fault.Kind(reason).Row().Python
}
