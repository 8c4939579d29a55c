package cache_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/cache"
)

// herd has n callers Get at once, and returns how many found the entry.
func herd(t *testing.T, s cache.Store, n int) (found int64) {
	var hits atomic.Int64
	var callers sync.WaitGroup
	for range n {
		callers.Go(func() {
			if e, err := s.Get(t.Context(), modKey); err == nil {
				e.Body.Close()
				hits.Add(1)
			}
		})
	}
	callers.Wait()
	return hits.Load()
}

// However many ask at once, few of them hang in a store that does, and nobody
// outlasts the bound. In one that is well, all have their turn.
func TestGateBoundsCalls(t *testing.T) {
	for name, test := range map[string]struct {
		takes        time.Duration
		found, asked int64
		long         time.Duration
	}{
		"hangs":   {takes: time.Hour, found: 0, asked: 256, long: time.Second},
		"is well": {takes: 10 * time.Millisecond, found: 5000, asked: 5000, long: 200 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := &moody{Store: cache.NewMemory(nil), takes: test.takes}
				put(t, m.Store, modKey, "content")
				g := cache.Gate(m, nil)
				begun := time.Now()
				if found := herd(t, g, 5000); found != test.found || m.calls.Load() != test.asked {
					t.Errorf("%d of 5000 found it, want %d; %d asked the store, want %d", found, test.found, m.calls.Load(), test.asked)
				}
				if took := time.Since(begun); took != test.long {
					t.Errorf("it took %v, want %v", took, test.long)
				}
				closeStore(t, g)
			})
		})
	}
}

// Who waits in vain for others that hang is told so, and for how long he wanted.
func TestGateIsBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stuck{cache.NewMemory(nil), time.Hour}
		g := cache.Gate(s, &cache.GateOptions{Failures: 1000})
		var callers sync.WaitGroup
		for i := range 256 {
			callers.Go(func() { cache.Delete(t.Context(), g, fmt.Sprint(i)) })
		}
		callers.Wait()
		begun := time.Now()
		if _, err := cache.Delete(t.Context(), g, modKey); !errors.Is(err, cache.ErrGated) || time.Since(begun) != 30*time.Second {
			t.Errorf("%v after %v", err, time.Since(begun))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := cache.Delete(ctx, g, modKey); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("who gives up: %v", err)
		}
		wantMiss(t, g, modKey) // to read is another kind of call
		closeStore(t, g)
	})
}

// A store that goes on when its caller has gone away hangs, too: else who is less
// patient than the gate would ask it for ever.
func TestGateImpatientCallers(t *testing.T) {
	for name, call := range map[string]func(ctx context.Context, g cache.Store) error{
		"Get":    func(ctx context.Context, g cache.Store) error { _, err := g.Get(ctx, modKey); return err },
		"Lock":   func(ctx context.Context, g cache.Store) error { _, err := cache.Lock(ctx, g, modKey); return err },
		"Delete": func(ctx context.Context, g cache.Store) error { _, err := cache.Delete(ctx, g, modKey); return err },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &hungAll{&stuck{cache.NewMemory(nil), time.Hour}}
				g := cache.Gate(s, &cache.GateOptions{Failures: 1, SlowWrite: time.Second})
				give := func() error {
					ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
					defer cancel()
					return call(ctx, g)
				}
				for range 2 {
					if err := give(); !errors.Is(err, context.DeadlineExceeded) {
						t.Errorf("%v, want that it is waited for", err)
					}
				}
				time.Sleep(time.Second)
				if err := give(); !errors.Is(err, cache.ErrGated) {
					t.Errorf("%v, want that it is left alone", err)
				}
				closeStore(t, g)
			})
		})
	}
}

// hungAll hangs when it is read, too.
type hungAll struct{ *stuck }

func (h *hungAll) Get(ctx context.Context, key string) (*cache.Entry, error) {
	time.Sleep(h.takes)
	return h.Store.Get(ctx, key)
}

// Locks that fail close the gate, and one that is granted opens it.
func TestGateCountsLocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &failingLock{Store: cache.NewMemory(nil), err: errors.New("stale file handle")}
		g := cache.Gate(s, &cache.GateOptions{Failures: 1})
		lock := func(want error) {
			t.Helper()
			if _, err := cache.Lock(t.Context(), g, modKey); !errors.Is(err, want) {
				t.Errorf("Lock: %v, want %v", err, want)
			}
		}
		lock(s.err)
		lock(cache.ErrGated)
		time.Sleep(10 * time.Second)
		s.err = nil
		lock(nil)
		lock(nil)
	})
}

type failingLock struct {
	cache.Store
	err error
}

func (f *failingLock) Lock(context.Context, string) (func(), error) { return func() {}, f.err }

// What memory answers is used on a disk behind a gate, too.
func TestGateNotesUse(t *testing.T) {
	dir := t.TempDir()
	record := filepath.Join(dir, ".breakwater", "records", modKey+",json")
	synctest.Test(t, func(t *testing.T) {
		s := cache.Layered(cache.NewMemory(nil), cache.Gate(openDisk(t, dir), nil))
		put(t, s, modKey, "module m")
		old := time.Now().Add(-48 * time.Hour)
		if err := os.Chtimes(record, old, old); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Hour)
		wantContent(t, s, modKey, "module m")
		closeStore(t, s) // waits for the note
		if noted := modTime(t, record); time.Since(noted).Abs() > time.Second {
			t.Errorf("noted %v, want %v", noted, time.Now())
		}
	})
}
