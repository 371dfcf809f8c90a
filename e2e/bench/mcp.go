package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/iap"
	"github.com/tokentoss/tokentoss/frontends/mcp"
)

// mcpMessages is how many calls each side makes.
const mcpMessages = 2000

// mcpRequest is a call of a tool, with 1 KB of arguments.
var mcpRequest = fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x","arguments":{"text":%q}}}`, strings.Repeat("x", 1024))

// mcpBridge compares a message by the bridge with the same POST by the same transport:
// what it adds, in the median.
func mcpBridge(int) ([]row, error) {
	answer := strings.Replace(mcpRequest, `"method":"tools/call","params"`, `"result"`, 1)
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, answer)
	}))
	defer service.Close()
	transport, err := iap.NewTransport(&source{core.IDToken{Value: core.Secret(strings.Repeat("t", 800)), Expiry: time.Now().Add(time.Hour)}}, iap.Options{Origins: []string{service.URL}, InsecureLoopback: true})
	if err != nil {
		return nil, err
	}
	client := &http.Client{Transport: transport}
	defer client.CloseIdleConnections()

	inR, inW := io.Pipe()
	outR, outW := io.Pipe()
	ended := make(chan error, 1)
	go func() { // ends with its input, below
		ended <- mcp.Serve(context.Background(), inR, outW, mcp.Options{URL: service.URL, Client: client})
		outW.Close()
	}()
	lines := bufio.NewReader(outR)
	var direct, bridged []time.Duration
	for range mcpMessages { // in turn: what else the machine does is for both
		began := time.Now()
		res, err := client.Post(service.URL, "application/json", strings.NewReader(mcpRequest))
		if err != nil {
			return nil, err
		}
		_, _ = io.Copy(io.Discard, res.Body)
		res.Body.Close()
		direct = append(direct, time.Since(began))

		began = time.Now()
		if _, err := io.WriteString(inW, mcpRequest+"\n"); err != nil {
			return nil, err
		}
		if _, err := lines.ReadString('\n'); err != nil {
			return nil, err
		}
		bridged = append(bridged, time.Since(began))
	}
	inW.Close()
	if err := <-ended; err != nil {
		return nil, err
	}
	slices.Sort(direct)
	slices.Sort(bridged)
	added := bridged[mcpMessages/2] - direct[mcpMessages/2]
	return []row{{
		name: "mcp, added a message of 1 KB", ratio: float64(added) / float64(time.Millisecond), budget: 1, unit: "ms",
		detail: fmt.Sprintf("median of %d: %s by the bridge, %s without", mcpMessages, bridged[mcpMessages/2], direct[mcpMessages/2]),
	}}, nil
}
