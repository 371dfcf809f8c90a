package agent

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"github.com/tokentoss/tokentoss/core/privatefile"
)

// startTimeout is how long an agent may take until it listens.
const startTimeout = 10 * time.Second

// retry is how long to wait before it is looked again.
const retry = 2 * time.Millisecond

// Socket returns the path of the agent's socket for a configuration directory.
func Socket(configDir string) (string, error) {
	dir, err := privatefile.RuntimeDir()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(filepath.Clean(configDir)))
	return filepath.Join(dir, "agent-"+hex.EncodeToString(sum[:8])), nil
}

// dial connects to the agent, and starts it if there is none. However many
// processes find none, one starts it.
func (c *Client) dial(ctx context.Context) (*conn, error) {
	socket, err := Socket(c.Dir)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoAgent, err)
	}
	if conn, err := connect(ctx, socket); err == nil {
		return conn, nil
	}
	if c.Start == nil {
		return nil, ErrNoAgent
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	lock := flock.New(socket+".start", flock.SetPermissions(0o600))
	if _, err := lock.TryLockContext(ctx, retry); err != nil {
		return nil, fmt.Errorf("%w: waiting for another process to start it: %w", ErrNoAgent, err)
	}
	defer lock.Unlock()
	if conn, err := connect(ctx, socket); err == nil {
		return conn, nil
	}
	if err := c.Start(socket); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoAgent, err)
	}
	for {
		conn, err := connect(ctx, socket)
		if err == nil {
			return conn, nil
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("%w: it does not listen: %w", ErrNoAgent, err)
		case <-time.After(retry):
		}
	}
}

func connect(ctx context.Context, socket string) (*conn, error) {
	c, err := dialSocket(ctx, socket)
	if err != nil {
		return nil, err
	}
	return newConn(c), nil
}
