package cache_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/breakwater-go/breakwater/cache"
)

// slowTier writes down what is put into it, when it is let, and gives up with ctx.
type slowTier struct {
	cache.Store
	takes time.Duration
	mu    sync.Mutex
	keys  []string
}

func (s *slowTier) Put(ctx context.Context, key string, c cache.Content) error {
	select {
	case <-time.After(s.takes):
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	s.mu.Lock()
	s.keys = append(s.keys, key)
	s.mu.Unlock()
	return s.Store.Put(ctx, key, c)
}

func (s *slowTier) Delete(ctx context.Context, key string) error {
	_, err := cache.Delete(ctx, s.Store, key)
	return err
}

func closeStore(t *testing.T, s cache.Store) {
	t.Helper()
	if err := s.(io.Closer).Close(); err != nil {
		t.Error(err)
	}
}

// Writing returns at once and is done in order; Close waits for it.
func TestWriteBackOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tier := &slowTier{Store: cache.NewMemory(nil), takes: time.Second}
		w := cache.WriteBack(tier, nil)
		begun := time.Now()
		var want []string
		for i := range 9 {
			want = append(want, fmt.Sprint("k", i%3))
			put(t, w, want[i], fmt.Sprint("version ", i))
		}
		cache.Delete(t.Context(), w, "k1")
		if time.Since(begun) != 0 {
			t.Error("writing waits")
		}
		wantMiss(t, w, "k0")
		closeStore(t, w)
		if diff := cmp.Diff(want, tier.keys); diff != "" {
			t.Errorf("written (-want +got):\n%s", diff)
		}
		if got := time.Since(begun); got != 9*time.Second {
			t.Errorf("Close returned after %v", got)
		}
		wantContent(t, tier, "k0", "version 6")
		wantMiss(t, tier, "k1")
		closeStore(t, w)
		if err := w.Put(t.Context(), "late", text("x")); err == nil || errors.Is(err, cache.ErrBacklog) {
			t.Errorf("Put after Close: %v", err)
		}
	})
}

// What is too much is told, to the caller and to OnError, and room comes back.
func TestWriteBackBounds(t *testing.T) {
	for name, o := range map[string]cache.WriteBackOptions{"entries": {Entries: 2}, "bytes": {Bytes: 30}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tier := &slowTier{Store: cache.NewMemory(nil), takes: time.Second}
				var told []string
				var w cache.Store
				o.OnError = func(key string, err error) {
					told = append(told, fmt.Sprint(key, errors.Is(err, cache.ErrBacklog)))
				}
				w = cache.WriteBack(tier, &o)
				for i := range 4 {
					err := w.Put(t.Context(), fmt.Sprint(i), text(strings.Repeat("x", 10)))
					if errors.Is(err, cache.ErrBacklog) != (i == 3) {
						t.Errorf("Put %d: %v", i, err)
					}
					synctest.Wait() // one is being written
				}
				time.Sleep(time.Second)
				synctest.Wait()
				put(t, w, "4", strings.Repeat("x", 10))
				closeStore(t, w)
				if diff := cmp.Diff([]string{"3true"}, told); diff != "" {
					t.Errorf("told (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff([]string{"0", "1", "2", "4"}, tier.keys); diff != "" {
					t.Errorf("written (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// Close waits no longer than Drain; what is left is told.
func TestWriteBackDrain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		told := map[string]bool{}
		tier := &slowTier{Store: cache.NewMemory(nil), takes: 10 * time.Second}
		w := cache.WriteBack(tier, &cache.WriteBackOptions{Drain: 25 * time.Second, OnError: func(key string, _ error) { told[key] = true }})
		for i := range 5 {
			put(t, w, fmt.Sprint(i), "x")
		}
		begun := time.Now()
		closeStore(t, w)
		if got := time.Since(begun); got != 25*time.Second {
			t.Errorf("Close took %v", got)
		}
		if diff := cmp.Diff(map[string]bool{"2": true, "3": true, "4": true}, told); diff != "" {
			t.Errorf("told (-want +got):\n%s", diff)
		}
	})
}

// Many write spools and contents at once, whose files are gone afterwards. What
// is not what it says is refused at once.
func TestWriteBackToDisk(t *testing.T) {
	dir := t.TempDir()
	w := cache.WriteBack(openDisk(t, dir), nil)
	if err := w.Put(t.Context(), modKey, cache.Content{Size: 9, Body: strings.NewReader("x")}); err == nil {
		t.Error("took content of another size")
	}
	if err := w.Put(t.Context(), "../x", text("x")); err == nil {
		t.Error("took an invalid key")
	}
	var wg sync.WaitGroup
	for i := range 40 {
		wg.Go(func() {
			key := fmt.Sprint("m", i)
			if i%2 == 0 {
				put(t, w, key, "content")
				return
			}
			spool := filled(t, cache.SpoolFor(w, int64(i%4)), "content")
			if err := cache.Commit(t.Context(), w, key, spool, cache.Meta{}); err != nil {
				t.Error(err)
			}
			spool.Close()
		})
	}
	wg.Wait()
	closeStore(t, w)
	wantFiles(t, filepath.Join(dir, tempDir))
	d := openDisk(t, dir)
	for i := range 40 {
		wantContent(t, d, fmt.Sprint("m", i), "content")
	}
}

// Of two Swaps that expect the same, one succeeds, however much waits.
func TestWriteBackSwap(t *testing.T) {
	w := cache.WriteBack(cache.NewMemory(nil), nil)
	defer closeStore(t, w)
	if err := swap(w, nil, []byte("1")); err != nil {
		t.Error(err)
	}
	if err := swap(w, nil, []byte("2")); !errors.Is(err, cache.ErrConflict) {
		t.Errorf("want a conflict: %v", err)
	}
}
