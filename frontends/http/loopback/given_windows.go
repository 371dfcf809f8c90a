package loopback

import "errors"

// checkListening refuses: no service manager of Windows gives sockets.
func checkListening(int) (bool, error) { return false, errors.ErrUnsupported }
