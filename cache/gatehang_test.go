package cache_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/cache"
)

// stuck is a store that hangs in every call, as one does whose file system has
// gone away, whatever becomes of its context.
type stuck struct {
	cache.Store
	takes time.Duration
}

func (s *stuck) Put(ctx context.Context, key string, c cache.Content) error {
	time.Sleep(s.takes)
	return s.Store.Put(ctx, key, c)
}

func (s *stuck) Move(ctx context.Context, key string, spool *cache.Spool, meta cache.Meta) error {
	time.Sleep(s.takes)
	return cache.Commit(ctx, s.Store, key, spool, meta)
}

func (s *stuck) Delete(ctx context.Context, key string) error {
	time.Sleep(s.takes)
	_, err := cache.Delete(ctx, s.Store, key)
	return err
}

func (s *stuck) Swap(ctx context.Context, key string, old, next []byte, meta cache.Meta) error {
	time.Sleep(s.takes)
	return cache.Swap(ctx, s.Store, key, old, next, meta)
}

func (s *stuck) List(ctx context.Context, visit func(key string) error) error {
	for _, key := range []string{"a", "b"} {
		time.Sleep(s.takes)
		if err := visit(key); err != nil {
			return err
		}
	}
	return nil
}

func (s *stuck) Lock(context.Context, string) (func(), error) {
	time.Sleep(s.takes)
	return func() { time.Sleep(s.takes) }, nil
}

// lent is a reader that its owner takes back.
type lent struct {
	t    *testing.T
	back atomic.Bool
}

func (l *lent) Read(p []byte) (int, error) {
	if l.back.Load() {
		l.t.Error("read when its owner has it back")
	}
	return copy(p, "x"), io.EOF
}

// writes are the ways to change what is stored under modKey.
func writes(t *testing.T) map[string]func(ctx context.Context, s cache.Store) error {
	return map[string]func(ctx context.Context, s cache.Store) error{
		"Put": func(ctx context.Context, s cache.Store) error {
			body := &lent{t: t}
			defer body.back.Store(true)
			return s.Put(ctx, modKey, cache.Content{Size: 1, Body: body})
		},
		"Move": func(ctx context.Context, s cache.Store) error {
			spool := filled(t, cache.NewSpool(0), "moved")
			defer spool.Close()
			return cache.Commit(ctx, s, modKey, spool, cache.Meta{})
		},
		"Delete": func(ctx context.Context, s cache.Store) error {
			_, err := cache.Delete(ctx, s, modKey)
			return err
		},
		"Swap": func(ctx context.Context, s cache.Store) error {
			old, next := []byte("old"), []byte("swapped")
			defer copy(next, "changed")
			defer copy(old, "new")
			return cache.Swap(ctx, s, modKey, old, next, cache.Meta{})
		},
	}
}

// A write that hangs is not waited for longer than SlowWrite, or than its caller
// wants; what it uses stays alive or is let go of. It may yet take effect, but
// after nothing that was written later.
func TestGateAbandonsWrites(t *testing.T) {
	for name, after := range map[string]string{"Put": "old", "Move": "moved", "Delete": "", "Swap": "swapped"} {
		for _, patience := range []time.Duration{time.Second, time.Minute} {
			t.Run(fmt.Sprint(name, patience), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := &stuck{cache.NewMemory(nil), time.Hour}
					put(t, s.Store, modKey, "old")
					g := cache.Gate(s, &cache.GateOptions{Failures: 1})
					ctx, cancel := context.WithTimeout(t.Context(), patience)
					defer cancel()
					want := map[time.Duration]error{time.Second: context.DeadlineExceeded, time.Minute: cache.ErrAbandoned}[patience]
					begun := time.Now()
					err := writes(t)[name](ctx, g)
					if took := time.Since(begun); !errors.Is(err, want) || took != min(patience, 30*time.Second) {
						t.Errorf("after %v: %v, want %v", took, err, want)
					}
					_, err = g.Get(t.Context(), modKey)
					if gated := errors.Is(err, cache.ErrGated); gated != (patience > 30*time.Second) {
						t.Errorf("gated: %v", gated)
					}
					closeStore(t, g)
					if took := time.Since(begun); took != time.Hour {
						t.Errorf("Close returned after %v, want the hour that the call takes", took)
					}
					if after == "" {
						wantMiss(t, s.Store, modKey)
						return
					}
					wantContent(t, s.Store, modKey, after)
				})
			})
		}
	}
}

// A store that minds its context gives up in its own words; who gave up on it is
// told the same.
func TestGateAbandonsTheWilling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := cache.Gate(&willing{cache.NewMemory(nil)}, &cache.GateOptions{Failures: 100})
		defer closeStore(t, g)
		late := readerFunc(func([]byte) (int, error) {
			time.Sleep(31 * time.Second) // by then there are an answer and no patience
			return 0, io.EOF
		})
		for range 20 {
			if err := g.Put(t.Context(), modKey, cache.Content{Body: late}); !errors.Is(err, cache.ErrAbandoned) {
				t.Fatalf("Put: %v", err)
			}
		}
	})
}

type willing struct{ cache.Store }

func (willing) Put(ctx context.Context, _ string, _ cache.Content) error {
	<-ctx.Done()
	return ctx.Err()
}

func TestGateWritesAfterStragglers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stuck{cache.NewMemory(nil), 40 * time.Second}
		g := cache.Gate(s, nil)
		begun := time.Now()
		if _, err := cache.Delete(t.Context(), g, modKey); !errors.Is(err, cache.ErrAbandoned) {
			t.Error(err)
		}
		synctest.Wait() // it has begun to hang
		s.takes = 0
		put(t, g, listKey, "another key does not wait")
		if took := time.Since(begun); took != 30*time.Second {
			t.Errorf("it took %v", took)
		}
		put(t, g, modKey, "new")
		if took := time.Since(begun); took != 40*time.Second {
			t.Errorf("written after %v, want when what was abandoned is over", took)
		}
		closeStore(t, g)
		wantContent(t, s.Store, modKey, "new")
	})
}

// A slow write that succeeds neither counts nor makes up for failures.
func TestGateSlowSuccess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &moody{Store: cache.NewMemory(nil), err: errors.New("stale file handle")}
		g := cache.Gate(m, nil)
		for range 2 {
			g.Put(t.Context(), modKey, text("x"))
		}
		m.err, m.takes = nil, 5*time.Second
		put(t, g, modKey, "x")
		m.err, m.takes = errors.New("stale file handle"), 0
		g.Put(t.Context(), modKey, text("x"))
		if !gated(t, g, m) {
			t.Error("a slow success made up for failures")
		}
	})
}

// A store that lists too slowly is abandoned, and visit is not called any more.
func TestGateList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stuck{cache.NewMemory(nil), 20 * time.Second}
		g := cache.Gate(s, &cache.GateOptions{Failures: 1})
		defer closeStore(t, g)
		visits := 0
		list := func() error {
			visits = 0
			return g.(cache.Lister).List(t.Context(), func(string) error {
				visits++
				time.Sleep(time.Minute) // whoever visits may take long
				return nil
			})
		}
		if err := list(); err != nil || visits != 2 {
			t.Errorf("%v after %d visits, want both", err, visits)
		}
		s.takes = 31 * time.Second
		begun := time.Now()
		if err := list(); !errors.Is(err, cache.ErrAbandoned) || time.Since(begun) != 30*time.Second {
			t.Errorf("%v after %v", err, time.Since(begun))
		}
		if err := list(); !errors.Is(err, cache.ErrGated) {
			t.Errorf("%v, want that it is left alone", err)
		}
		time.Sleep(time.Hour)
		if visits != 0 {
			t.Errorf("%d visits after List has returned", visits)
		}
	})
}

// Whoever waits for a lock waits as long as the context lasts; a lock that comes
// later is given back. To give one back takes no longer than a Get.
func TestGateLock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var held atomic.Int64
		s := &lockCounter{&stuck{cache.NewMemory(nil), time.Hour}, &held}
		g := cache.Gate(s, nil)
		begun := time.Now()
		unlock, err := cache.Lock(t.Context(), g, modKey)
		if err != nil || time.Since(begun) != time.Hour {
			t.Fatalf("%v after %v", err, time.Since(begun))
		}
		unlock()
		if took := time.Since(begun) - time.Hour; took != time.Second {
			t.Errorf("giving it back took %v", took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := cache.Lock(ctx, g, modKey); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Lock that is given up: %v", err)
		}
		closeStore(t, g)
		if held.Load() != 0 {
			t.Errorf("%d locks are held", held.Load())
		}
	})
}

type lockCounter struct {
	*stuck
	held *atomic.Int64
}

func (l *lockCounter) Lock(ctx context.Context, key string) (func(), error) {
	unlock, err := l.stuck.Lock(ctx, key)
	l.held.Add(1)
	return func() { unlock(); l.held.Add(-1) }, err
}

// A download does not hang with the store that it is for: it is written beside the
// store before, if there is one.
func TestGateSpool(t *testing.T) {
	local, shared := openDisk(t, t.TempDir()), openDisk(t, t.TempDir())
	g := cache.Gate(shared, nil)
	for name, test := range map[string]struct {
		store cache.Store
		local bool
	}{
		"gate":           {g, false},
		"disk over it":   {cache.Layered(local, g), true},
		"three layers":   {cache.Layered(cache.NewMemory(nil), local, g), true},
		"memory over it": {cache.Layered(cache.NewMemory(nil), g), false},
	} {
		t.Run(name, func(t *testing.T) {
			spool := filled(t, cache.SpoolFor(test.store, 0), "content")
			defer spool.Close()
			file, err := spool.FileName()
			if err != nil || strings.HasPrefix(file, shared.Dir()) || strings.HasPrefix(file, local.Dir()) != test.local {
				t.Errorf("spooled to %s: %v", file, err)
			}
			if err := cache.Commit(t.Context(), test.store, modKey, spool, cache.Meta{}); err != nil {
				t.Fatal(err)
			}
			wantContent(t, shared, modKey, "content")
		})
	}
}
