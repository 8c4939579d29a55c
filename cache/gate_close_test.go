package cache_test

import (
	"context"
	"errors"
	"io/fs"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/breakwater-go/breakwater/cache"
)

// Close may come while others are at it, and again. It waits for who has begun.
func TestGateCloseInUse(t *testing.T) {
	for range 300 {
		g := cache.Gate(cache.NewMemory(nil), nil)
		var begun, users sync.WaitGroup
		begun.Add(4)
		for range 4 {
			users.Go(func() {
				_, err := g.Get(t.Context(), modKey)
				begun.Done()
				for !errors.Is(err, fs.ErrClosed) {
					_, err = g.Get(t.Context(), modKey)
				}
			})
		}
		begun.Wait()
		closeStore(t, g)
		closeStore(t, g)
		users.Wait()
	}
}

// After Close nothing reaches the store, and everybody is told why.
func TestGateAfterClose(t *testing.T) {
	var held atomic.Int64
	s := &lockCounter{&stuck{Store: cache.NewMemory(nil)}, &held}
	put(t, s.Store, modKey, "old")
	g := cache.Gate(s, nil)
	unlock, err := cache.Lock(t.Context(), g, modKey)
	if err != nil {
		t.Fatal(err)
	}
	closeStore(t, g)
	unlock()
	if held.Load() != 0 {
		t.Error("a lock is held that was given back after Close")
	}
	wantMiss(t, g, modKey)
	calls := writes(t)
	calls["Get"] = func(ctx context.Context, s cache.Store) error { _, err := s.Get(ctx, modKey); return err }
	calls["Lock"] = func(ctx context.Context, s cache.Store) error { _, err := cache.Lock(ctx, s, modKey); return err }
	calls["List"] = func(ctx context.Context, s cache.Store) error {
		return s.(cache.Lister).List(ctx, func(string) error { return nil })
	}
	for name, call := range calls {
		if err := call(t.Context(), g); !errors.Is(err, fs.ErrClosed) {
			t.Errorf("%s: %v, want that it is closed", name, err)
		}
	}
	wantContent(t, s.Store, modKey, "old")
}
