package main

import (
	"fmt"
)

const (
	// download is the size of a large body.
	download = 500 << 20

	// growth is what a download may add to the memory of the proxy, in MiB.
	growth = 16
)

// downloads compares a large body through the proxy with the same one from the
// service. The proxy is a new process, whose memory is watched.
func downloads(service *role) ([]row, error) {
	ours, err := startRole("ours", service.address)
	if err != nil {
		return nil, err
	}
	defer ours.stop()
	if _, _, err := ours.load(proxyTurn / 4); err != nil {
		return nil, err
	}
	before, err := ours.memory("VmRSS")
	if err != nil {
		return nil, err
	}
	var through, direct []float64
	for range 5 {
		for _, c := range []struct {
			from *role
			to   *[]float64
		}{{ours, &through}, {service, &direct}} {
			took, err := c.from.fetch("/large", download)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", c.from.name, err)
			}
			*c.to = append(*c.to, download/took.Seconds()/1e6)
		}
	}
	after, err := ours.memory("VmHWM")
	if err != nil {
		return nil, err
	}
	t, d := middle(through), middle(direct)
	return []row{
		{name: "proxy, download of 500 MB: speed against none", ratio: t / d, budget: -0.4, unit: "x", detail: fmt.Sprintf("%.0f MB/s against %.0f MB/s", t, d)},
		{name: "proxy, download of 500 MB: memory added", ratio: (after - before) / 1024, budget: growth, unit: "MiB", detail: fmt.Sprintf("from %.1f MiB", before/1024)},
	}, nil
}
