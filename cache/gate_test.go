package cache_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/cache"
)

// moody is a store that may fail, or take its time, and counts its calls.
type moody struct {
	cache.Store
	err    error
	takes  time.Duration
	calls  atomic.Int64
	opened atomic.Int64 // bodies that are not closed
	closed bool
}

type countedBody struct {
	cache.Body
	open *atomic.Int64
}

func (b countedBody) Close() error { b.open.Add(-1); return b.Body.Close() }

func (m *moody) Get(ctx context.Context, key string) (*cache.Entry, error) {
	m.calls.Add(1)
	time.Sleep(m.takes) // whatever becomes of ctx, as a system call does
	if m.err != nil {
		return nil, m.err
	}
	e, err := m.Store.Get(ctx, key)
	if err == nil {
		m.opened.Add(1)
		e.Body = countedBody{e.Body, &m.opened}
	}
	return e, err
}

func (m *moody) Put(ctx context.Context, key string, c cache.Content) error {
	m.calls.Add(1)
	time.Sleep(m.takes)
	if m.err != nil {
		return m.err
	}
	return m.Store.Put(ctx, key, c)
}

func (m *moody) Close() error { m.closed = true; return nil }

// gated reports whether the store is left alone now.
func gated(t *testing.T, g cache.Store, m *moody) bool {
	t.Helper()
	before := m.calls.Load()
	e, err := g.Get(t.Context(), modKey)
	if err == nil {
		e.Body.Close()
	}
	alone := m.calls.Load() == before
	if alone != errors.Is(err, cache.ErrGated) {
		t.Errorf("asked: %v, but the error is %v", !alone, err)
	}
	return alone
}

// After three failures in a row the store is left alone for the pause; then one
// call tries, and what it finds decides.
func TestGate(t *testing.T) {
	broken := errors.New("stale file handle")
	for name, mood := range map[string]*moody{"failing": {err: broken}, "hanging": {takes: time.Minute}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := &moody{Store: cache.NewMemory(nil)}
				put(t, m.Store, modKey, "content")
				g := cache.Gate(m, nil)
				wantContent(t, g, modKey, "content")
				sick := func() { m.err, m.takes = mood.err, mood.takes }
				sick()
				for range 2 {
					wantMiss(t, g, modKey)
				}
				time.Sleep(2 * time.Minute) // who hangs is done
				synctest.Wait()
				m.err, m.takes = nil, 0
				wantContent(t, g, modKey, "content") // in a row, it was said
				sick()
				for range 3 {
					begun := time.Now()
					wantMiss(t, g, modKey)
					if took := time.Since(begun); took != min(mood.takes, time.Second) {
						t.Errorf("a sick store was waited for %v", took)
					}
				}
				if err := g.Put(t.Context(), modKey, text("x")); !errors.Is(err, cache.ErrGated) || !gated(t, g, m) {
					t.Errorf("it is asked though it is sick: %v", err)
				}
				time.Sleep(10*time.Second - 1)
				if !gated(t, g, m) {
					t.Error("the pause is too short")
				}
				time.Sleep(time.Nanosecond)
				if tries := !gated(t, g, m); !tries || !gated(t, g, m) {
					t.Error("want one that tries, and no more, when the pause is over")
				}
				time.Sleep(2 * time.Minute)
				synctest.Wait()
				m.err, m.takes = nil, 0
				if opened := !gated(t, g, m); !opened || gated(t, g, m) {
					t.Error("a success does not open it")
				}
				if err := g.(io.Closer).Close(); err != nil || !m.closed || m.opened.Load() != 0 {
					t.Errorf("after Close: %v, closed %v, %d bodies open", err, m.closed, m.opened.Load())
				}
			})
		})
	}
}

// A caller that goes away is answered at once, says nothing of the store, and
// Close waits for the call that goes on.
func TestGateCallerGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &moody{Store: cache.NewMemory(nil), takes: time.Hour}
		put(t, m.Store, modKey, "content")
		g := cache.Gate(m, &cache.GateOptions{Slow: -1})
		begun := time.Now()
		for range 4 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			if _, err := g.Get(ctx, modKey); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%v", err)
			}
			cancel()
		}
		if got := time.Since(begun); got != 4*time.Second {
			t.Errorf("it took %v", got)
		}
		if gated(t, g, m) {
			t.Error("those who went away counted")
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		g.Get(ctx, modKey)
		g.(io.Closer).Close()
		if m.opened.Load() != 0 {
			t.Error("a late entry was not closed")
		}
	})
}

// A refusal is no failure; a failed write is. One that is slow may be large.
func TestGateWrites(t *testing.T) {
	for _, test := range []struct {
		err   error
		takes time.Duration
		gated bool
	}{
		{fmt.Errorf("k: %w", cache.ErrTooLarge), 0, false},
		{fmt.Errorf("k: %w", cache.ErrReadOnly), 0, false},
		{errors.New("no space left on device"), 0, true},
		{nil, time.Second, false},
		{nil, time.Minute, false},
	} {
		t.Run(fmt.Sprint(test.err, test.takes), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := &moody{Store: cache.NewMemory(nil), err: test.err, takes: test.takes}
				g := cache.Gate(m, &cache.GateOptions{SlowWrite: -1})
				for range 3 {
					if err := g.Put(t.Context(), modKey, text("x")); err != test.err {
						t.Errorf("Put: %v, want %v", err, test.err)
					}
				}
				m.err, m.takes = nil, 0
				if got := gated(t, g, m); got != test.gated {
					t.Errorf("gated: %v, want %v", got, test.gated)
				}
			})
		})
	}
}

// What the caller gives that is wrong says nothing of the store.
func TestGateMindsOnlyTheStore(t *testing.T) {
	m := &moody{Store: cache.NewMemory(nil)}
	g := cache.Gate(m, &cache.GateOptions{Failures: 1})
	g.Put(t.Context(), "../key", text("x"))
	short := text("x")
	short.Digest = cache.Digest{1}
	g.Put(t.Context(), modKey, short)
	if err := swap(g, []byte("other"), []byte("x")); !errors.Is(err, cache.ErrConflict) {
		t.Errorf("Swap: %v", err)
	}
	m.err = errors.New("stale file handle")
	if err := swap(g, nil, []byte("x")); !errors.Is(err, m.err) {
		t.Errorf("a failure passes for the absence of an entry: %v", err)
	}
}
