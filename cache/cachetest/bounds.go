package cachetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"github.com/breakwater-go/breakwater/cache"
)

// boundChecked is the bound in bytes that TestBounds asks for. A store that is
// made of several may share it out among them.
const boundChecked = 1 << 20

// comesBack is how long a store may take to come back within its bound.
const comesBack = 30 * time.Second

// TestBounds checks a store that makes room: given four times as much content as
// maxBytes, it takes it all, comes back within its bound within half a minute,
// has kept a good part of what there is room for, and what it has is whole. An
// entry that is being read meanwhile is read to its end.
//
// newStore makes an empty store whose content may take maxBytes bytes, which is
// 1 MiB; TestBounds closes it if it is an [io.Closer]. What is in it is found by
// [cache.Lister] or, where the store cannot list, by Get.
func TestBounds(newStore func(maxBytes int64) (cache.Store, error)) error {
	ctx, cancel := context.WithTimeoutCause(context.Background(), 4*comesBack, errors.New("took too long"))
	defer cancel()
	open := func() (cache.Store, error) { return newStore(boundChecked) }
	return opened(open, func(s cache.Store) error { return checkBounds(ctx, s) })
}

func checkBounds(ctx context.Context, s cache.Store) error {
	if err := putSample(ctx, s, modKey, 1); err != nil {
		return err
	}
	e, err := s.Get(ctx, modKey)
	if err != nil {
		return fmt.Errorf("Get of the first entry: %w", err)
	}
	defer e.Body.Close()
	if _, err := io.ReadFull(e.Body, make([]byte, sampleSize/2)); err != nil {
		return fmt.Errorf("reading the first half of an entry: %w", err)
	}
	keys, err := flood(ctx, s)
	if err != nil {
		return err
	}
	held, err := waitForRoom(ctx, s, keys)
	switch {
	case err != nil:
		return err
	case held < boundChecked/4:
		return fmt.Errorf("%d bytes are left of a bound of %d", held, boundChecked)
	}
	rest, err := io.ReadAll(e.Body)
	if err != nil {
		return fmt.Errorf("reading on in an entry while room was made: %w", err)
	}
	if !bytes.Equal(rest, sample(modKey, 1)[sampleSize/2:]) {
		return fmt.Errorf("reading on in an entry while room was made gives other %d bytes", len(rest))
	}
	return putSample(ctx, s, modKey, 1)
}

// flood puts too much, and returns all keys.
func flood(ctx context.Context, s cache.Store) ([]string, error) {
	keys := []string{modKey}
	for i := range 4 * boundChecked / sampleSize {
		key := fmt.Sprintf("flood/%d/%d.info", i%10, i)
		if err := putSample(ctx, s, key, 1); err != nil {
			return nil, fmt.Errorf("entry %d: %w", i, err)
		}
		keys = append(keys, key)
	}
	return keys, cache.Flush(ctx, s)
}

// waitForRoom looks again and again at what is held, until that is within the
// bound, and returns how much it is.
func waitForRoom(ctx context.Context, s cache.Store, keys []string) (int64, error) {
	deadline := time.NewTimer(comesBack)
	defer deadline.Stop()
	for wait := time.Millisecond; ; wait = min(2*wait, time.Second) {
		held, err := heldBytes(ctx, s, keys)
		if err != nil || held <= boundChecked {
			return held, err
		}
		select {
		case <-time.After(wait):
		case <-deadline.C:
			return held, fmt.Errorf("%d bytes after %v, over a bound of %d", held, comesBack, boundChecked)
		case <-ctx.Done():
			return held, context.Cause(ctx)
		}
	}
}

// heldBytes reads all that the store has, which must be whole.
func heldBytes(ctx context.Context, s cache.Store, keys []string) (held int64, err error) {
	known := map[string]bool{}
	for _, key := range keys {
		known[key] = true
	}
	look := func(key string) error {
		if !known[key] {
			return fmt.Errorf("List gives %q, which nobody put", key)
		}
		size, err := sizeOf(ctx, s, key)
		held += size
		return err
	}
	if l, ok := s.(cache.Lister); ok {
		listed := map[string]bool{}
		err := l.List(ctx, func(key string) error {
			if listed[key] {
				return nil // a key may come twice
			}
			listed[key] = true
			return look(key)
		})
		if !errors.Is(err, cache.ErrNotLister) {
			return held, err
		}
	}
	for _, key := range keys {
		if err := look(key); err != nil {
			return held, err
		}
	}
	return held, nil
}

// sizeOf returns the size of an entry, if it is there, when it was read.
func sizeOf(ctx context.Context, s cache.Store, key string) (int64, error) {
	e, err := s.Get(ctx, key)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, missError(key, err)
	}
	if err != nil {
		return 0, fmt.Errorf("Get(%.100q): %w", key, err)
	}
	defer e.Body.Close()
	if err := compare(e, sample(key, 1), sampleMeta(1)); err != nil {
		return 0, fmt.Errorf("Get(%.100q): %w", key, err)
	}
	return e.Size, nil
}
