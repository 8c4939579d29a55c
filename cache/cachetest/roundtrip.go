package cachetest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"testing/iotest"

	"github.com/breakwater-go/breakwater/cache"
)

const (
	modKey  = "example.com/!upper/mod/@v/v1.2.3.mod"
	listKey = "example.com/!upper/mod/@v/list"
)

func checkMiss(ctx context.Context, s cache.Store) error {
	if err := wantMiss(ctx, s, modKey); err != nil {
		return err
	}
	if err := putSample(ctx, s, listKey, 1); err != nil {
		return err
	}
	return wantMiss(ctx, s, modKey)
}

func checkRoundTrip(ctx context.Context, s cache.Store) error {
	whole := sample(modKey, 1)
	for _, c := range []struct {
		name    string
		content []byte
		meta    cache.Meta
		reader  func(io.Reader) io.Reader
	}{
		{"sample", whole, sampleMeta(1), nil},
		{"no meta", whole, cache.Meta{}, nil},
		{"empty", nil, sampleMeta(2), nil},
		{"one byte", []byte{0}, sampleMeta(3), nil},
		{"bytes one by one", whole, sampleMeta(4), iotest.OneByteReader},
		{"EOF with the last bytes", whole, sampleMeta(5), iotest.DataErrReader},
		{"half reads", whole, sampleMeta(6), iotest.HalfReader},
	} {
		key := "round/" + c.name
		content := contentOf(c.content, c.meta)
		if c.reader != nil {
			content.Body = c.reader(content.Body)
		}
		if err := s.Put(ctx, key, content); err != nil {
			return fmt.Errorf("%s: Put: %w", c.name, err)
		}
		// The second Get may be answered from elsewhere, as in a layered store.
		for range 2 {
			if err := wantEntry(ctx, s, key, c.content, c.meta); err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
		}
	}
	return nil
}

// checkDigest puts content whose digest is announced; round trips leave it out.
func checkDigest(ctx context.Context, s cache.Store) error {
	content, meta := sample(modKey, 1), sampleMeta(1)
	meta.Digest = sha256.Sum256(content)
	if err := s.Put(ctx, modKey, contentOf(content, meta)); err != nil {
		return fmt.Errorf("Put with the right digest: %w", err)
	}
	return wantSample(ctx, s, modKey, 1)
}

// checkReplacement replaces content by larger, smaller and equally large
// content; nothing of the old may be left.
func checkReplacement(ctx context.Context, s cache.Store) error {
	for i, size := range []int{100, 4000, 10, 10, 0, 100} {
		content, meta := bytes.Repeat([]byte{byte('a' + i)}, size), sampleMeta(i)
		if err := s.Put(ctx, listKey, contentOf(content, meta)); err != nil {
			return fmt.Errorf("Put %d: %w", i, err)
		}
		err := errors.Join(
			wantEntry(ctx, s, listKey, content, meta),
			wantEntry(ctx, s, listKey, content, meta),
		)
		if err != nil {
			return fmt.Errorf("after Put %d: %w", i, err)
		}
	}
	return nil
}
