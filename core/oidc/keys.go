package oidc

import (
	"context"
	"errors"
	"time"

	"github.com/tokentoss/tokentoss/core/internal/jws"
)

// keyRefetch is the least time between two fetches of a provider's keys, so that
// tokens with made-up key IDs cannot cause a stream of requests.
const keyRefetch = 5 * time.Minute

// A keyCache holds a provider's public keys.
type keyCache struct {
	http *endpointClient

	mu      mutex
	keys    jws.Keys
	fetched time.Time
}

// verify checks the signature of an ID token that just came from the token
// endpoint. Over TLS that answer needs no signature check (OpenID Connect Core
// section 3.1.3.7, item 6), so keys that cannot be had are no error there; a
// wrong signature always is.
func (kc *keyCache) verify(ctx context.Context, p Provider, t *jws.Token) error {
	key, err := kc.find(ctx, p, t)
	if err != nil {
		if overTLS := checkEndpointURL(p.TokenURL, false) == nil; overTLS && !errors.Is(err, errUnknownKey) {
			return nil
		}
		return err
	}
	if err := t.Verify(key); err != nil {
		return &ClaimError{Claim: "signature", Problem: "cannot be trusted: " + err.Error()}
	}
	return nil
}

var errUnknownKey = &ClaimError{Claim: "kid", Problem: "names a key that the provider does not have"}

// find returns the key that should have signed t, fetching the keys when they
// are not known or do not hold it, at most once in keyRefetch.
func (kc *keyCache) find(ctx context.Context, p Provider, t *jws.Token) (any, error) {
	if err := kc.mu.lock(ctx); err != nil {
		return nil, networkError("keys", hostOf(p.KeysURL), err)
	}
	defer kc.mu.unlock()
	if key, ok := kc.keys.Find(t); ok {
		return key, nil
	}
	now := kc.http.now()
	if kc.keys != nil && now.Sub(kc.fetched).Abs() < keyRefetch {
		return nil, errUnknownKey
	}
	a, err := kc.http.get(ctx, "keys", p.KeysURL)
	if err != nil {
		return nil, err
	}
	keys, err := jws.ParseKeys(a.body)
	if err != nil {
		return nil, a.fail("answered with something that is " + err.Error())
	}
	kc.keys, kc.fetched = keys, now
	if key, ok := keys.Find(t); ok {
		return key, nil
	}
	return nil, errUnknownKey
}
