package cachetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing/iotest"

	"github.com/breakwater-go/breakwater/cache"
)

func checkDeleter(ctx context.Context, s cache.Store) error {
	d, ok := s.(cache.Deleter)
	if !ok {
		return nil
	}
	if err := d.Delete(ctx, modKey); err != nil {
		return fmt.Errorf("Delete of what is not there: %w", err)
	}
	for _, key := range []string{modKey, listKey} {
		if err := putSample(ctx, s, key, 1); err != nil {
			return err
		}
	}
	// Get first: a layered store then has the entry in every layer.
	if err := wantSample(ctx, s, modKey, 1); err != nil {
		return err
	}
	// Names above and below a stored key are not stored themselves.
	for _, key := range []string{modKey, modKey, "example.com", "example.com/!upper/mod", listKey + "/below"} {
		if err := d.Delete(ctx, key); err != nil {
			return fmt.Errorf("Delete(%q): %w", key, err)
		}
	}
	if err := errors.Join(wantMiss(ctx, s, modKey), wantSample(ctx, s, listKey, 1)); err != nil {
		return err
	}
	if err := putSample(ctx, s, modKey, 2); err != nil {
		return fmt.Errorf("after Delete: %w", err)
	}
	return wantSample(ctx, s, modKey, 2)
}

// maxBoundChecked keeps checkBounded from needing the memory that a store's
// bound allows.
const maxBoundChecked = 32 << 20

func checkBounded(ctx context.Context, s cache.Store) error {
	b, ok := s.(cache.Bounded)
	if !ok {
		return nil
	}
	size := b.MaxEntry()
	if size < sampleSize {
		return fmt.Errorf("MaxEntry is %d; cachetest needs %d", size, sampleSize)
	}
	unread := cache.Content{Size: size + 1, Body: iotest.ErrReader(errors.New("it was read"))}
	if err := s.Put(ctx, modKey, unread); !errors.Is(err, cache.ErrTooLarge) {
		return fmt.Errorf("Put of MaxEntry+1 bytes: %v, want ErrTooLarge", err)
	}
	if err := wantMiss(ctx, s, modKey); err != nil || size > maxBoundChecked {
		return err
	}
	largest := bytes.Repeat([]byte("x"), int(size))
	if err := s.Put(ctx, modKey, contentOf(largest, sampleMeta(1))); err != nil {
		return fmt.Errorf("Put of MaxEntry bytes: %w", err)
	}
	return wantEntry(ctx, s, modKey, largest, sampleMeta(1))
}
