package fetch_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
)

// lookedUp is a store in memory whose look-ups are told of, and may do something else first.
type lookedUp struct {
	cache.Store
	gets atomic.Int64
	get  func(ctx context.Context) error
}

func (l *lookedUp) Get(ctx context.Context, key string) (*cache.Entry, error) {
	l.gets.Add(1)
	if err := l.get(ctx); err != nil {
		return nil, err
	}
	return l.Store.Get(ctx, key)
}

func newReadiness(t *testing.T, s cache.Store, opts *fetch.ReadinessOptions) (*fetch.ReadinessHandler, *fetch.Client) {
	t.Helper()
	c := newClient(t, fetch.Options{Store: s, Upstream: upstream.Off()})
	return fetch.NewReadinessHandler(c, opts), c
}

// A disk that hangs has one look-up hang in it, and nobody who asks.
func TestReadinessWhileTheStoreHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mended := make(chan struct{})
		s := &lookedUp{Store: cache.NewMemory(nil), get: func(context.Context) error { <-mended; return nil }}
		h, _ := newReadiness(t, s, nil)
		begun := time.Now()
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() {
				if got := h.Health(t.Context()); got.Ready || got.Serve.Reason != "the store gives no answer within 2s" {
					t.Errorf("while it hangs: ready %v: %+v", got.Ready, got.Serve)
				}
			})
		}
		all.Wait()
		if took := time.Since(begun); took != 2*time.Second {
			t.Errorf("waited for %v", took)
		}
		time.Sleep(time.Hour)
		begun = time.Now()
		if got := h.Health(t.Context()); got.Ready || time.Since(begun) > 0 {
			t.Errorf("an hour later: ready %v after %v", got.Ready, time.Since(begun))
		}
		if got := s.gets.Load(); got != 1 {
			t.Errorf("%d look-ups hang", got)
		}

		close(mended)
		synctest.Wait()
		if got := h.Health(t.Context()); got.Ready {
			t.Error("an answer after an hour counts as one")
		}
		time.Sleep(time.Second)
		if got := h.Health(t.Context()); !got.Ready {
			t.Errorf("when it is mended: %+v", got.Serve)
		}
	})
}

// An answer that came just in time is one, also for who asks when the limit is over.
func TestReadinessOfASlowStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &lookedUp{Store: cache.NewMemory(nil), get: func(context.Context) error { time.Sleep(1900 * time.Millisecond); return nil }}
		h, _ := newReadiness(t, s, nil)
		for range 20 {
			if got := h.Health(t.Context()); !got.Ready {
				t.Fatalf("%+v", got.Serve)
			}
			time.Sleep(49 * time.Millisecond)
		}
		if got := s.gets.Load(); got != 1 {
			t.Errorf("%d look-ups", got)
		}
	})
}

func TestReadinessIsKeptForASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &lookedUp{Store: cache.NewMemory(nil), get: func(context.Context) error { return nil }}
		h, _ := newReadiness(t, s, nil)
		for range 50 {
			h.Health(t.Context())
			time.Sleep(100 * time.Millisecond)
		}
		if got := s.gets.Load(); got != 5 {
			t.Errorf("%d look-ups in 5 s", got)
		}
	})
}

func TestReadinessOfAStoreThatFails(t *testing.T) {
	secret := &fs.PathError{Op: "open", Path: "/srv/secret", Err: os.ErrPermission}
	for _, tt := range []struct {
		name string
		get  func(context.Context) error
		want string
	}{
		{"an error with a path", func(context.Context) error { return secret }, "the store cannot be read"},
		{"left alone", func(context.Context) error { return cache.ErrGated }, "the store has failed, and is left alone for now"},
		{"a panic", func(context.Context) error { panic("broken") }, "the store cannot be read"},
		{"the goroutine's end", func(context.Context) error { runtime.Goexit(); return nil }, "the store cannot be read"},
		{"it obeys its context", func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }, "the store gives no answer within 5s"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h, _ := newReadiness(t, &lookedUp{Store: cache.NewMemory(nil), get: tt.get}, &fetch.ReadinessOptions{StoreTimeout: 5 * time.Second})
				got := h.Health(t.Context())
				if got.Ready || got.Serve.OK || got.Serve.Reason != tt.want || got.Serve.Err == nil {
					t.Errorf("ready %v: %+v", got.Ready, got.Serve)
				}
			})
		})
	}
}

// What the system says of the default store's directory is told, but not its place.
func TestReadinessOfADirectoryThatCannotBeRead(t *testing.T) {
	dir := t.TempDir()
	c := newClient(t, fetch.Options{CacheDir: dir, Upstream: upstream.Off()})
	if got := fetch.NewReadinessHandler(c, nil).Health(t.Context()); !got.Ready {
		t.Fatalf("at first: %+v", got.Serve)
	}
	// A link that leads to itself: permissions do not keep the superuser out.
	records := filepath.Join(dir, ".breakwater", "records")
	if err := os.RemoveAll(records); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("records", records); err != nil {
		t.Skip(err)
	}
	got := fetch.NewReadinessHandler(c, nil).Health(t.Context())
	if got.Ready || !strings.HasPrefix(got.Serve.Reason, "the store cannot be read: ") || strings.Contains(got.Serve.Reason, dir) {
		t.Errorf("ready %v: %+v", got.Ready, got.Serve)
	}
}

// Who asks may go away before the store has answered.
func TestReadinessOfNoInterest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &lookedUp{Store: cache.NewMemory(nil), get: func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }}
		h, _ := newReadiness(t, s, nil)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begun := time.Now()
		got := h.Health(ctx)
		if took := time.Since(begun); took != time.Second || !errors.Is(got.Serve.Err, context.DeadlineExceeded) {
			t.Errorf("after %v: %v", took, got.Serve.Err)
		}
	})
}

// Close waits for the look-up, and no other is begun later.
func TestReadinessOfAClosedClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &lookedUp{Store: cache.NewMemory(nil), get: func(context.Context) error { time.Sleep(time.Minute); return nil }}
		h, c := newReadiness(t, s, nil)
		begun := time.Now()
		h.Health(t.Context())
		if err := c.Close(); err != nil || time.Since(begun) != time.Minute {
			t.Errorf("closed after %v: %v", time.Since(begun), err)
		}
		time.Sleep(time.Minute)
		got := h.Health(t.Context())
		if got.Ready || got.Serve.OK || got.Fetch.OK || got.Verify.OK || got.Serve.Reason != "it was closed" {
			t.Errorf("of a closed Client: %+v", got)
		}
		if got := s.gets.Load(); got != 1 {
			t.Errorf("%d look-ups", got)
		}
	})
}

// That whoever asks does not wait is not the store's fault.
func TestReadinessOfAnImpatientCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mended := make(chan struct{})
		s := &lookedUp{Store: cache.NewMemory(nil), get: func(context.Context) error { <-mended; return nil }}
		h, _ := newReadiness(t, s, nil)
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		got := h.Health(ctx).Serve
		if want := "whoever asked did not wait for the store's answer"; got.OK || got.Reason != want || !errors.Is(got.Err, context.DeadlineExceeded) {
			t.Errorf("got %+v, want the reason %q", got, want)
		}
		close(mended)
	})
}
