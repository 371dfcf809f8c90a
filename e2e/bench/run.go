package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const (
	// runRounds is how often the client takes turns with and without run.
	runRounds = 5

	// runTurn is how long it asks for 1 KB each time.
	runTurn = time.Second
)

// A runResult is what a client in a run, or out of one, found.
type runResult struct {
	Rate, Speed, PeakKB float64 // requests a second, MB/s, of the proxy
}

// runs compares a client in "tokentoss run" with the same client without it, over one
// TLS connection to a service on this machine, and the start of a command with that by
// "tokentoss exec".
func runs(rounds int) ([]row, error) {
	dir, err := os.MkdirTemp("/tmp", "tb") // sockets have short names
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	tokentoss, err := filepath.Abs("bin/tokentoss")
	if err != nil {
		return nil, err
	}
	env, err := signIn(tokentoss, dir)
	if err != nil {
		return nil, err
	}
	ca := filepath.Join(dir, "ca.pem")
	service, err := startRole("tls-service", ca)
	if err != nil {
		return nil, err
	}
	defer service.stop()
	env = append(env, "SSL_CERT_FILE="+ca, "XDG_RUNTIME_DIR="+dir, "HTTPS_PROXY=", "https_proxy=")
	at := "https://" + service.address
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	within := []string{tokentoss, "run", "--for", at, "--"}
	ways := []runWay{{env: env}, {before: within, env: env}}
	for _, floor := range runFloors {
		own := filepath.Join(dir, floor.role+".pem")
		proxy, err := startRole(floor.role, ca, own)
		if err != nil {
			return nil, err
		}
		defer proxy.stop()
		ways = append(ways, runWay{env: append(slices.Clip(env), "HTTPS_PROXY=http://"+proxy.address, "SSL_CERT_FILE="+own)})
	}
	peak := 0.0
	for round := range runRounds + 1 {
		for i := range ways {
			w := &ways[i]
			r, err := runClient(append(slices.Clip(w.before), self, at), w.env)
			if err != nil {
				return nil, err
			}
			if peak = max(peak, r.PeakKB); round > 0 { // the first one warms up
				w.rates, w.speeds = append(w.rates, r.Rate), append(w.speeds, r.Speed)
			}
		}
	}
	var starts [2][]float64
	for range max(rounds/8, 10) {
		for i, args := range [][]string{{tokentoss, "exec", "--", "true"}, append(within, "true")} {
			cmd := exec.Command(args[0], args[1:]...)
			cmd.Env = env
			began := time.Now()
			if err := cmd.Run(); err != nil {
				return nil, fmt.Errorf("%s: %w", args[1], err)
			}
			starts[i] = append(starts[i], float64(time.Since(began))/1e6)
		}
	}
	start := [2]float64{middle(starts[0]), middle(starts[1])}
	rows := slices.Concat(ways[1].rows("run", &ways[0], -0.5, -0.4), []row{
		{"run, download of 500 MB: memory of the proxy", peak / 1024, 40, "MiB", ""},
		{"run: start, over that of exec", start[1] - start[0], 15, "ms", fmt.Sprintf("%.1f ms against %.1f ms", start[1], start[0])},
	})
	for i, floor := range runFloors {
		rows = append(rows, ways[2+i].rows(floor.name, &ways[0], 0, 0)...)
	}
	return rows, nil
}

// A runWay is a way in which the client reaches the service, and what it found.
type runWay struct {
	before, env   []string // what starts the client
	rates, speeds []float64
}

// rows compares a way with that without a proxy.
func (w *runWay) rows(name string, none *runWay, rateBudget, speedBudget float64) []row {
	rate, speed := [2]float64{middle(none.rates), middle(w.rates)}, [2]float64{middle(none.speeds), middle(w.speeds)}
	return []row{
		{name + ", 1 KB over one TLS connection: requests/s against none", rate[1] / rate[0], rateBudget, "x", fmt.Sprintf("%.0f against %.0f", rate[1], rate[0])},
		{name + ", download of 500 MB: speed against none", speed[1] / speed[0], speedBudget, "x", fmt.Sprintf("%.0f MB/s against %.0f MB/s", speed[1], speed[0])},
	}
}

// runClient runs this executable as a client, and returns what it found.
func runClient(args, env []string) (r runResult, err error) {
	cmd := exec.Command(args[0], args[1:]...)
	var out bytes.Buffer
	cmd.Env, cmd.Stdout = append(env, roleEnv+"=run-client"), &out
	if err := cmd.Run(); err != nil {
		return r, fmt.Errorf("%s: %w", strings.Join(args, " "), err)
	}
	return r, json.Unmarshal(out.Bytes(), &r)
}

// playRunClient asks a service for 1 KB, over and over, and for a large body.
func playRunClient(at string) error {
	data, err := os.ReadFile(os.Getenv("SSL_CERT_FILE"))
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(data)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, DisableCompression: true}
	if proxy := os.Getenv("HTTPS_PROXY"); proxy != "" { // the environment is not asked for loopback
		u, err := url.Parse(proxy)
		if err != nil {
			return err
		}
		transport.Proxy = http.ProxyURL(u)
	}
	fetch := func(path string) (int64, error) {
		res, err := transport.RoundTrip(must(http.NewRequest(http.MethodGet, at+path, nil)))
		if err != nil {
			return 0, err
		}
		defer res.Body.Close()
		if res.StatusCode != http.StatusOK {
			return 0, fmt.Errorf("%s", res.Status)
		}
		return io.Copy(io.Discard, res.Body)
	}
	n, began := 0, time.Now()
	for ; time.Since(began) < runTurn; n++ {
		if _, err := fetch("/"); err != nil {
			return err
		}
	}
	r := runResult{Rate: float64(n) / time.Since(began).Seconds()}
	began = time.Now()
	size, err := fetch("/large")
	if err != nil {
		return err
	}
	r.Speed = float64(size) / time.Since(began).Seconds() / 1e6
	// The directory of a run has the number of its proxy in its name.
	if name, ok := strings.CutPrefix(filepath.Base(filepath.Dir(os.Getenv("SSL_CERT_FILE"))), "run-"); ok {
		pid, _, _ := strings.Cut(name, "-")
		if r.PeakKB, err = memoryOf(pid, "VmHWM"); err != nil {
			return err
		}
	}
	return json.NewEncoder(os.Stdout).Encode(r)
}

func must(r *http.Request, err error) *http.Request {
	if err != nil {
		panic(err)
	}
	return r
}

// playTLSService is playService by TLS. It writes its certificate to a file.
func playTLSService(ctx context.Context, ca string) error {
	certificate, err := newCertificate(ca)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	return playOn(ctx, tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{certificate}}))
}

// newCertificate makes a certificate of this machine, and writes it to a file.
func newCertificate(file string) (c tls.Certificate, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return c, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return c, err
	}
	c = tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	return c, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600)
}
