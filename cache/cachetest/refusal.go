package cachetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"testing/iotest"

	"github.com/breakwater-go/breakwater/cache"
)

// checkRefused puts content that is not what it says, where nothing is stored
// and where an entry is.
func checkRefused(ctx context.Context, s cache.Store) error {
	var errs []error
	for name, bad := range refusals() {
		fresh, kept := "fresh/"+name, "kept/"+name
		if err := putSample(ctx, s, kept, 1); err != nil {
			return err
		}
		for _, key := range []string{fresh, kept} {
			if err := s.Put(ctx, key, bad(sample(key, 2))); err == nil {
				errs = append(errs, fmt.Errorf("Put(%q) succeeded", key))
			}
		}
		errs = append(errs, wantMiss(ctx, s, fresh), wantSample(ctx, s, kept, 1))
	}
	return errors.Join(errs...)
}

func refusals() map[string]func([]byte) cache.Content {
	bad := func(change func(c *cache.Content, b []byte)) func([]byte) cache.Content {
		return func(b []byte) cache.Content {
			c := contentOf(b, sampleMeta(2))
			change(&c, b)
			return c
		}
	}
	failed := iotest.ErrReader(errors.New("connection reset"))
	return map[string]func([]byte) cache.Content{
		"a byte short":  bad(func(c *cache.Content, _ []byte) { c.Size++ }),
		"a byte long":   bad(func(c *cache.Content, _ []byte) { c.Size-- }),
		"nothing":       bad(func(c *cache.Content, _ []byte) { c.Body = bytes.NewReader(nil) }),
		"not nothing":   bad(func(c *cache.Content, _ []byte) { c.Size = 0 }),
		"negative size": bad(func(c *cache.Content, _ []byte) { c.Size = -1 }),
		"wrong digest":  bad(func(c *cache.Content, _ []byte) { c.Digest[31] = 1 }),
		"fails midway": bad(func(c *cache.Content, b []byte) {
			c.Body = io.MultiReader(bytes.NewReader(b[:len(b)/2]), failed)
		}),
		// As a reader does that checks its content when it has read it all.
		"fails at the end": bad(func(c *cache.Content, b []byte) {
			c.Body = io.MultiReader(bytes.NewReader(b), failed)
		}),
		"fails at once": bad(func(c *cache.Content, _ []byte) { c.Body = failed }),
	}
}

// checkLarge puts content that many a store refuses. It must say so in the way
// of the contract, or have it.
func checkLarge(ctx context.Context, s cache.Store) error {
	content := bytes.Repeat(sample(modKey, 1), 300)
	err := s.Put(ctx, modKey, contentOf(content, sampleMeta(1)))
	switch {
	case err == nil:
		return wantEntry(ctx, s, modKey, content, sampleMeta(1))
	case !errors.Is(err, cache.ErrTooLarge):
		return fmt.Errorf("Put of %d bytes: %w, want success or ErrTooLarge", len(content), err)
	}
	return wantMiss(ctx, s, modKey)
}

// checkCancelled allows a store to answer in spite of the context, as one in
// memory does; but a call that was given up must not look like a miss.
func checkCancelled(ctx context.Context, s cache.Store) error {
	if err := putSample(ctx, s, modKey, 1); err != nil {
		return err
	}
	cause := errors.New("nobody waits any more")
	cancelled, cancel := context.WithCancelCause(ctx)
	cancel(cause)
	e, err := s.Get(cancelled, modKey)
	if err == nil {
		err = errors.Join(compare(e, sample(modKey, 1), sampleMeta(1)), e.Body.Close())
	} else if !errors.Is(err, fs.ErrNotExist) && (errors.Is(err, cause) || errors.Is(err, context.Canceled)) {
		err = nil
	}
	if err != nil {
		return fmt.Errorf("Get with a cancelled context: %w", err)
	}
	err = putSample(cancelled, s, modKey, 2)
	if err == nil {
		return wantSample(ctx, s, modKey, 2)
	}
	if !errors.Is(err, cause) && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("with a cancelled context: %w", err)
	}
	_, err = wantSomeVersion(ctx, s, modKey, 2)
	return err
}
