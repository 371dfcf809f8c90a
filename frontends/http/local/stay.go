package local

import (
	"errors"
	"time"
)

// ParseStay reads how long a server is to stay, such as 8h. Nothing is 0: until it is
// ended.
func ParseStay(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return 0, errors.New("for wants a time such as 30m or 8h")
	}
	return d, nil
}
