package main

import (
	"fmt"
	"net"
)

// closing is how many sockets in TIME_WAIT stand beside those of the second comparison.
const closing = 10_000

// connections compares requests that each come by a connection of their own: with the
// secret, and without one, where it is the kernel that says whose a connection is.
func connections(contenders []*role) ([]row, error) {
	var rows []row
	for _, beside := range []int{0, closing} {
		if err := timeWait(beside); err != nil {
			return nil, err
		}
		rates, _, err := race(contenders, 3, (*role).loadFresh)
		if err != nil {
			return nil, err
		}
		nginx := rates["nginx"]
		if nginx == nil {
			return nil, nil
		}
		label := "proxy, a connection each: requests/s against nginx"
		if beside > 0 {
			label = fmt.Sprintf("proxy, the same beside %d in TIME_WAIT", beside)
		}
		for name, how := range map[string]string{"ours": ", secret", "ours-open": ", none"} {
			rows = append(rows, row{name: label + how, ratio: middle(rates[name]) / middle(nginx), budget: -0.5, unit: "x", detail: fmt.Sprintf("%.0f against %.0f", middle(rates[name]), middle(nginx))})
		}
	}
	return rows, nil
}

// timeWait leaves n sockets in TIME_WAIT, for the minute that Linux keeps them.
func timeWait(n int) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer l.Close()
	for range n {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			return err
		}
		other, err := l.Accept()
		if err != nil {
			return err
		}
		_ = c.Close() // first, so that this end waits
		_ = other.Close()
	}
	return nil
}
