package main

import (
	"fmt"
	"time"
)

const (
	// proxyRounds is how often the proxies take turns, for proxyTurn each.
	proxyRounds = 7
	proxyTurn   = time.Second

	// proxyClients are the connections that requests come by.
	proxyClients = 16
)

// reverseProxies compares the proxy with the one of the standard library, with the least
// that forwards at all by its server and its transport, and with nginx where that is
// installed: requests for 1 KB by 16 connections, and one large download. Proxies and
// service are processes of their own, so that what this one does as their client is no
// part of them.
func reverseProxies(int) ([]row, error) {
	service, err := startRole("service")
	if err != nil {
		return nil, err
	}
	defer service.stop()
	var contenders []*role
	for _, name := range []string{"ours", "stock", "bare"} {
		r, err := startRole(name, service.address)
		if err != nil {
			return nil, err
		}
		defer r.stop()
		contenders = append(contenders, r)
	}
	nginx, err := startNginx(service.address)
	if err != nil {
		return nil, err
	}
	if nginx != nil {
		defer nginx.stop()
		contenders = append(contenders, nginx)
	}
	rows, err := throughput(append(contenders, service))
	if err != nil {
		return nil, err
	}
	open, err := startRole("ours-open", service.address)
	if err != nil {
		return nil, err
	}
	defer open.stop()
	fresh, err := connections(append(contenders, open))
	if err != nil {
		return nil, err
	}
	more, err := downloads(service)
	return append(append(rows, fresh...), more...), err
}

// throughput compares requests a second, and how long the slowest of a hundred takes.
func throughput(contenders []*role) ([]row, error) {
	rates, slow, err := race(contenders, proxyRounds, (*role).load)
	if err != nil {
		return nil, err
	}
	ours, stock, bare, direct := middle(rates["ours"]), middle(rates["stock"]), middle(rates["bare"]), middle(rates["service"])
	label := fmt.Sprintf("proxy, %d clients, 1 KB: ", proxyClients)
	rows := []row{
		{name: label + "requests/s against a stock ReverseProxy", ratio: ours / stock, budget: -1.2, unit: "x", detail: fmt.Sprintf("%.0f against %.0f, without a proxy %.0f", ours, stock, direct)},
		{name: label + "requests/s against bare net/http", ratio: ours / bare, budget: -0.8, unit: "x", detail: fmt.Sprintf("%.0f against %.0f", ours, bare)},
	}
	if nginx := rates["nginx"]; nginx != nil {
		rows = append(rows,
			row{name: label + "requests/s against nginx", ratio: ours / middle(nginx), budget: -0.4, unit: "x", detail: fmt.Sprintf("%.0f against %.0f", ours, middle(nginx))},
			row{name: label + "of bare net/http against nginx", ratio: bare / middle(nginx), unit: "x", detail: fmt.Sprintf("%.0f against %.0f", bare, middle(nginx))},
			row{name: label + "99th of 100 against nginx", ratio: middle(slow["ours"]) / middle(slow["nginx"]), budget: 2, unit: "x", detail: fmt.Sprintf("%.1f ms against %.1f ms", middle(slow["ours"]), middle(slow["nginx"]))})
	}
	return rows, nil
}

// race has contenders take turns, and returns the rates of each by its name, and the
// times of the slowest of a hundred requests, in milliseconds.
func race(contenders []*role, rounds int, turn func(*role, time.Duration) (float64, time.Duration, error)) (rates, slow map[string][]float64, err error) {
	rates, slow = make(map[string][]float64), make(map[string][]float64)
	for round := range rounds + 1 {
		for _, c := range contenders {
			rate, p99, err := turn(c, proxyTurn)
			if err != nil {
				return nil, nil, fmt.Errorf("%s: %w", c.name, err)
			}
			if round > 0 { // the first one warms up
				rates[c.name] = append(rates[c.name], rate)
				slow[c.name] = append(slow[c.name], float64(p99.Microseconds())/1000)
			}
		}
	}
	return rates, slow, nil
}
