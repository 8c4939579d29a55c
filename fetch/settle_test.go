package fetch_test

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
)

// slowStore stores what it is given when it is let go.
type slowStore struct {
	cache.Store
	release chan struct{}
}

func newSlowStore() *slowStore {
	return &slowStore{cache.NewMemory(nil), make(chan struct{})}
}

func (s *slowStore) Put(ctx context.Context, key string, c cache.Content) error {
	<-s.release
	return s.Store.Put(ctx, key, c)
}

func (s *slowStore) List(ctx context.Context, visit func(key string) error) error {
	return s.Store.(cache.Lister).List(ctx, visit)
}

func (s *slowStore) Delete(ctx context.Context, key string) error {
	_, err := cache.Delete(ctx, s.Store, key)
	return err
}

// What has been verified is handed out while it is stored, to all who ask, also to
// who wants no source asked, and to who comes through another proxy.
func TestAnswerDoesNotWaitForTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, source := newSlowStore(), newHeld()
		close(source.release)
		c := newClient(t, fetch.Options{Upstream: source, Store: store})
		req := request(t, upstream.Mod, "example.com/hello", "v1.0.0")
		for name, ctx := range map[string]context.Context{
			"first":   t.Context(),
			"again":   t.Context(),
			"offline": upstream.WithOffline(t.Context()),
			"relayed": upstream.WithVia(t.Context(), "1.1 one, 1.1 other"),
		} {
			if name == "offline" { // which starts nothing
				readMod(t, t.Context(), c, req)
			}
			if diff := cmp.Diff(goMod, readMod(t, ctx, c, req)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
		}
		if got := source.calls.Load(); got != 1 {
			t.Errorf("the source was asked %d times, want once", got)
		}
		close(store.release)
	})
}

// Flush, Purge and Close wait for what is being stored.
func TestWaitingForTheStore(t *testing.T) {
	for name, wait := range map[string]func(context.Context, *fetch.Client) error{
		"Flush": func(ctx context.Context, c *fetch.Client) error { return c.Flush(ctx) },
		"Close": func(_ context.Context, c *fetch.Client) error { return c.Close() },
		"Purge": func(ctx context.Context, c *fetch.Client) error { _, err := c.Purge(ctx, "example.com"); return err },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store, source := newSlowStore(), newHeld()
				close(source.release)
				c := newClient(t, fetch.Options{Upstream: source, Store: store})
				req := request(t, upstream.Mod, "example.com/hello", "v1.0.0")
				readMod(t, t.Context(), c, req)
				done := make(chan error, 1)
				go func() { done <- wait(t.Context(), c) }()
				synctest.Wait()
				select {
				case err := <-done:
					t.Errorf("it did not wait: %v", err)
				default:
				}
				close(store.release)
				if err := <-done; err != nil {
					t.Error(err)
				}
				_, err := store.Get(t.Context(), req.Key())
				if stored := err == nil; stored != (name != "Purge") {
					t.Errorf("afterwards the store says %v", err)
				}
			})
		})
	}
}

// Flush returns the store's own error, once; callers have their answer all the same.
func TestFlushTellsWhatCouldNotBeStored(t *testing.T) {
	store := failingStore{cache.NewMemory(nil), syscall.ENOSPC}
	c := newClient(t, fetch.Options{Upstream: &scripted{answer: answered}, Store: store})
	for _, module := range []string{"example.com/a", "example.com/b"} {
		readMod(t, t.Context(), c, request(t, upstream.Mod, module, "v1.0.0"))
		if module == "example.com/a" {
			c.Flush(canceled(t)) // what it does not wait for is not forgotten
		}
	}
	err := c.Flush(t.Context())
	e, ok := errors.AsType[*fetch.UnstoredError](err)
	if !ok || !errors.Is(err, syscall.ENOSPC) || e.Key != "example.com/a/@v/v1.0.0.mod" && e.Key != "example.com/b/@v/v1.0.0.mod" {
		t.Errorf("got %v", err)
	}
	if err := c.Flush(t.Context()); err != nil {
		t.Errorf("told again: %v", err)
	}
}

// canceled returns a context that has ended.
func canceled(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

// Who flushes waits no longer than he wants to.
func TestFlushEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, source := newSlowStore(), newHeld()
		close(source.release)
		c := newClient(t, fetch.Options{Upstream: source, Store: store})
		readMod(t, t.Context(), c, request(t, upstream.Mod, "example.com/hello", "v1.0.0"))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := c.Flush(ctx); upstream.ClassOf(err) != upstream.Canceled {
			t.Errorf("got %v, want canceled", err)
		}
		close(store.release)
	})
}

// A store that is slower than the sources holds them up in the end.
func TestStoringIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, source := newSlowStore(), newHeld()
		close(source.release)
		c := newClient(t, fetch.Options{Upstream: source, Store: store})
		answered := make(chan struct{}, 100)
		for i := range 100 {
			go func() {
				readMod(t, t.Context(), c, request(t, upstream.Mod, "example.com/hello", fmt.Sprintf("v1.0.%d", i)))
				answered <- struct{}{}
			}()
		}
		synctest.Wait()
		if got := len(answered); got != 64 {
			t.Errorf("%d of 100 are answered while nothing can be stored, want 64", got)
		}
		close(store.release)
		synctest.Wait()
		if got := len(answered); got != 100 {
			t.Errorf("%d of 100 are answered in the end", got)
		}
	})
}

func readMod(t *testing.T, ctx context.Context, c *fetch.Client, req upstream.Request) string {
	t.Helper()
	data, err := upstream.ReadAll(ctx, c, req)
	if err != nil {
		t.Error(err)
	}
	return string(data)
}
