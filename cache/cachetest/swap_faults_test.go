package cachetest_test

import (
	"bytes"
	"context"
	"errors"
	"runtime"

	"github.com/breakwater-go/breakwater/cache"
)

// swapping is a store whose Swap may be broken.
type swapping struct {
	cache.Swapper
	fault string
}

func (s swapping) Swap(ctx context.Context, key string, old, next []byte, meta cache.Meta) error {
	put := func() error {
		return s.Put(ctx, key, cache.Content{Meta: meta, Size: int64(len(next)), Body: bytes.NewReader(next)})
	}
	switch s.fault {
	case "never looks":
		return put()
	case "looks for bytes only":
		if len(old) == 0 {
			if held, _, err := cache.ReadSmall(ctx, s, key); err == nil && len(held) > 0 {
				return cache.ErrConflict
			}
			return put()
		}
	case "replaces and complains":
		if err := s.Swapper.Swap(ctx, key, old, next, meta); err != nil {
			return errors.Join(err, put())
		}
		return nil
	case "swaps nothing":
		if err := s.Swapper.Swap(ctx, key, old, next, meta); err != nil {
			return err
		}
		return s.Put(ctx, key, cache.Content{Meta: meta, Size: int64(len(old)), Body: bytes.NewReader(old)})
	case "another error":
		if err := s.Swapper.Swap(ctx, key, old, next, meta); err != nil {
			return errors.New("no")
		}
		return nil
	case "loses meta":
		meta.Origin = ""
	case "looks, and then puts":
		held, _, err := cache.ReadSmall(ctx, s, key)
		if (err != nil) != (old == nil) || !bytes.Equal(held, old) {
			return cache.ErrConflict
		}
		for range 100 {
			runtime.Gosched()
		}
		return put()
	}
	return s.Swapper.Swap(ctx, key, old, next, meta)
}

func swapFaults() []fault {
	var all []fault
	for _, f := range []struct{ check, name string }{
		{"swapper", "never looks"},
		{"swapper", "looks for bytes only"},
		{"swapper", "replaces and complains"},
		{"swapper", "swaps nothing"},
		{"swapper", "another error"},
		{"swapper", "loses meta"},
		{"swaps at once", "looks, and then puts"},
	} {
		all = append(all, fault{f.check, f.name, func(s cache.Store) cache.Store {
			return swapping{s.(cache.Swapper), f.name}
		}})
	}
	return all
}
