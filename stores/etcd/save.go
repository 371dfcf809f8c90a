package etcd

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
)

const (
	// maxSize is what a document may have, in bytes, once it is encrypted. etcd
	// takes 1.5 MiB of a request.
	maxSize = 1<<20 + 128<<10

	// persistence is how many timeouts Save and Lock take before they give up.
	persistence = 3
)

// Save stores r if the document is still that of r.Revision, in one transaction.
//
// Where the answer is lost, nobody knows whether etcd did it. Then it is asked
// again, for longer than other calls are, since the document may be the only copy
// of a refresh token: a second transaction finds the name of this save if the
// first one was done, and otherwise does what the first one did not. The name
// counts and not the document, which others could have saved in the same words.
//
// If there is no answer at all the error wraps [core.ErrUnavailable] and the
// document may be stored or not.
func (s *store) Save(ctx context.Context, key string, r core.Record) (core.Record, error) {
	n, err := s.names(key)
	if err != nil {
		return core.Record{}, err
	}
	if len(r.Data) > maxSize {
		return core.Record{}, &fault.Error{Subject: n.document, Kind: core.ErrTooLarge, Problem: fmt.Sprintf("%d bytes; etcd takes at most %d", len(r.Data), maxSize)}
	}
	from, ok := parseRevision(r.Revision)
	if r.Revision != "" && !ok {
		return core.Record{}, conflict(n.document)
	}
	save := rand.Text()
	resp, err := s.swap(ctx, n, from, save, r.Data)
	if errors.Is(err, rpctypes.ErrLeaseNotFound) { // an administrator has ended it
		s.unused.set(n.document, use{})
		resp, err = s.swap(ctx, n, from, save, r.Data)
	}
	if err != nil {
		return core.Record{}, s.failed(ctx, n.document, err)
	}
	stored := revision{resp.Header.Revision, save}
	if !resp.Succeeded {
		_, stored, _ = document(resp)
		if stored.save != save || stored.mod == 0 {
			return core.Record{}, conflict(n.document)
		}
		s.log.Debug("etcd had saved it already", "key", n.document)
	}
	return core.Record{Data: r.Data, Revision: stored.String()}, nil
}

// swap stores a document, and the name of its save, in the place of that of a revision.
func (s *store) swap(ctx context.Context, n names, from revision, save string, data []byte) (*clientv3.TxnResponse, error) {
	lease, err := s.keep(ctx, n.document)
	if err != nil {
		return nil, err
	}
	resp, err := s.txn(ctx, persistence*s.timeout, func(txn clientv3.Txn) clientv3.Txn {
		return txn.If(from.stored(n)...).
			Then(clientv3.OpPut(n.document, string(data), clientv3.WithLease(lease)), clientv3.OpPut(n.save, save, clientv3.WithLease(lease))).
			Else(clientv3.OpGet(n.document, clientv3.WithKeysOnly()), clientv3.OpGet(n.save))
	})
	if err == nil && resp.Succeeded && s.unused.of(n.document).lease != lease {
		s.unused.set(n.document, use{lease: lease, renewed: time.Now()})
	}
	return resp, err
}

func conflict(document string) error {
	return &fault.Error{Subject: document, Kind: core.ErrConflict, Remedy: fault.Say("load it again")}
}

// Delete removes the document that is there when it is called. If the answer is
// lost it is asked again, which does not remove what others saved after that.
func (s *store) Delete(ctx context.Context, key string) error {
	n, err := s.names(key)
	if err != nil {
		return err
	}
	resp, err := s.txn(ctx, s.timeout, func(txn clientv3.Txn) clientv3.Txn {
		return txn.Then(clientv3.OpGet(n.document, clientv3.WithKeysOnly()))
	})
	if err != nil {
		return s.failed(ctx, n.document, err)
	}
	kvs := resp.Responses[0].GetResponseRange().Kvs
	if len(kvs) == 0 {
		return nil
	}
	_, err = s.txn(ctx, s.timeout, func(txn clientv3.Txn) clientv3.Txn {
		return txn.If(clientv3.Compare(clientv3.CreateRevision(n.document), "=", kvs[0].CreateRevision)).
			Then(clientv3.OpDelete(n.document), clientv3.OpDelete(n.save))
	})
	if err != nil {
		return s.failed(ctx, n.document, err)
	}
	return nil
}

// Check finds out whether Save would be allowed and possible. etcd looks at the
// permissions and at its space before it finds that there is nothing to do.
func (s *store) Check(ctx context.Context, key string) error {
	n, err := s.names(key)
	if err != nil {
		return err
	}
	_, err = s.txn(ctx, s.timeout, func(txn clientv3.Txn) clientv3.Txn {
		never := clientv3.Compare(clientv3.CreateRevision(n.document), "<", 0)
		return txn.If(never).Then(clientv3.OpPut(n.document, ""), clientv3.OpPut(n.save, ""))
	})
	if err != nil {
		return s.failed(ctx, n.document, err)
	}
	return nil
}

// SetAside moves the document to a key of its own, which has the revision in it,
// and returns that.
func (s *store) Quarantine(ctx context.Context, key string) (string, error) {
	r, err := s.Load(ctx, key)
	if err != nil {
		return "", err
	}
	n, err := s.names(key)
	if err != nil {
		return "", err
	}
	rev, _ := parseRevision(r.Revision)
	aside := n.damaged + strconv.FormatInt(rev.mod, 10)
	lease, err := s.grantUnused(ctx)
	if err != nil {
		return "", s.failed(ctx, n.document, err)
	}
	resp, err := s.txn(ctx, s.timeout, func(txn clientv3.Txn) clientv3.Txn {
		return txn.If(rev.stored(n)...).
			Then(clientv3.OpPut(aside, string(r.Data), clientv3.WithLease(lease)), clientv3.OpDelete(n.document), clientv3.OpDelete(n.save)).
			Else(clientv3.OpGet(aside, clientv3.WithKeysOnly()))
	})
	switch {
	case err != nil:
		return "", s.failed(ctx, n.document, err)
	case !resp.Succeeded && len(resp.Responses[0].GetResponseRange().Kvs) == 0:
		return "", conflict(n.document)
	}
	return aside, nil
}
