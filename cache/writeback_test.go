package cache_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
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
	err   error
	mu    sync.Mutex
	keys  []string
}

func (s *slowTier) Put(ctx context.Context, key string, c cache.Content) error {
	select {
	case <-time.After(s.takes):
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if s.err != nil {
		return s.err
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

func (s *slowTier) List(ctx context.Context, visit func(key string) error) error {
	return s.Store.(cache.Lister).List(ctx, visit)
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
		wantContent(t, w, "k0", "version 6")
		wantMiss(t, w, "k1")
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
		if err := w.Put(t.Context(), "late", text("x")); !errors.Is(err, fs.ErrClosed) {
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

// The last of what was written is read, wherever it is, and the store answers
// again when it is written.
func TestWriteBackReadsItsWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tier := &slowTier{Store: cache.NewMemory(nil), takes: time.Second}
		put(t, tier.Store, modKey, "old")
		w := cache.WriteBack(tier, nil)
		defer closeStore(t, w)
		want := func(when, content, layer string) {
			t.Helper()
			synctest.Wait()
			if got, in := get(t, w, modKey); got != content || in != layer {
				t.Errorf("%s: %q in %q, want %q in %q", when, got, in, content, layer)
			}
		}
		want("before", "old", "memory")
		spool := filled(t, cache.SpoolFor(w, 0), "moved")
		meta := cache.Meta{Origin: "mirror", Verified: "sumdb"}
		if err := cache.Commit(t.Context(), w, modKey, spool, meta); err != nil {
			t.Fatal(err)
		}
		spool.Close()
		want("while it is written", "moved", "queue")
		held, err := w.Get(t.Context(), modKey)
		if err != nil {
			t.Fatal(err)
		}
		defer held.Body.Close()
		meta.Digest = held.Digest
		if diff := cmp.Diff(meta, held.Meta); diff != "" {
			t.Errorf("Meta (-want +got):\n%s", diff)
		}
		put(t, w, modKey, "put")
		want("while another is written before", "put", "queue")
		time.Sleep(time.Second)
		want("when that is written", "put", "queue")
		wantContent(t, tier.Store, modKey, "moved")
		time.Sleep(time.Second)
		want("when both are", "put", "memory")
		put(t, w, modKey, "last")
		cache.Delete(t.Context(), w, modKey)
		wantMiss(t, w, modKey)
		if err := cache.Flush(t.Context(), w); err != nil {
			t.Error(err)
		}
		wantMiss(t, w, modKey)
		if content, err := io.ReadAll(held.Body); string(content) != "moved" || err != nil {
			t.Errorf("an entry from the queue that was written meanwhile: %q, %v", content, err)
		}
	})
}

// What cannot be written is told, and what the store has is the entry again.
func TestWriteBackFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("stale file handle")
		tier := &slowTier{Store: cache.NewMemory(nil), takes: time.Second, err: broken}
		put(t, tier.Store, modKey, "old")
		var told []error
		w := cache.WriteBack(tier, &cache.WriteBackOptions{OnError: func(_ string, err error) { told = append(told, err) }})
		defer closeStore(t, w)
		put(t, w, modKey, "new")
		wantContent(t, w, modKey, "new")
		if err := cache.Flush(t.Context(), w); !errors.Is(err, broken) || len(told) != 1 {
			t.Errorf("Flush: %v, told of %v", err, told)
		}
		wantContent(t, w, modKey, "old")
		if err := cache.Flush(t.Context(), w); err != nil {
			t.Errorf("Flush again: %v", err)
		}
		put(t, w, modKey, "new")
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if err := cache.Flush(ctx, w); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Flush that is given up: %v", err)
		}
	})
}

// A store that cannot be read says so, but for what waits.
func TestWriteBackCannotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("stale file handle")
		tier := &slowTier{Store: &faulty{Store: cache.NewMemory(nil), getErr: broken}, takes: time.Second}
		w := cache.WriteBack(tier, nil)
		defer closeStore(t, w)
		put(t, w, modKey, "waits")
		wantContent(t, w, modKey, "waits")
		if _, err := w.Get(t.Context(), listKey); !errors.Is(err, broken) || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Get of what does not wait: %v, want %v", err, broken)
		}
	})
}

// A write that is refused leaves what waits, of which the last counts.
func TestWriteBackRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tier := &slowTier{Store: cache.NewMemory(nil), takes: time.Second}
		w := cache.WriteBack(tier, &cache.WriteBackOptions{Entries: 1, Bytes: 100})
		put(t, w, "other", "x")
		synctest.Wait() // it is being written
		put(t, w, modKey, "waits")
		fixed := cache.WriteBack(readOnly(t, t.TempDir()), nil)
		defer closeStore(t, fixed)
		refused := map[string]error{
			"Put":            w.Put(t.Context(), modKey, text("refused")),
			"Delete":         w.(cache.Deleter).Delete(t.Context(), modKey),
			"a large Put":    w.Put(t.Context(), modKey, text(strings.Repeat("x", 101))),
			"a spool":        cache.Commit(t.Context(), w, modKey, filled(t, cache.NewSpool(1000), strings.Repeat("x", 101)), cache.Meta{}),
			"to a read-only": fixed.Put(t.Context(), modKey, text("x")),
		}
		for name, want := range map[string]error{
			"Put": cache.ErrBacklog, "Delete": cache.ErrBacklog,
			"a large Put": cache.ErrTooLarge, "a spool": cache.ErrTooLarge, "to a read-only": cache.ErrReadOnly,
		} {
			if err := refused[name]; !errors.Is(err, want) {
				t.Errorf("%s: %v, want %v", name, err, want)
			}
		}
		wantContent(t, w, modKey, "waits")
		closeStore(t, w)
		wantContent(t, tier, modKey, "waits")
	})
}

// What waits is listed, and what waits to be deleted is not.
func TestWriteBackList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tier := &slowTier{Store: cache.NewMemory(nil), takes: time.Second}
		w := cache.WriteBack(tier, nil)
		defer closeStore(t, w)
		for _, key := range []string{"stored", "replaced", "deleted"} {
			put(t, tier.Store, key, "old")
		}
		put(t, w, "first", "holds up the others")
		put(t, w, "replaced", "new")
		put(t, w, "new", "new")
		cache.Delete(t.Context(), w, "deleted")
		for range 2 {
			var keys []string
			err := w.(cache.Lister).List(t.Context(), func(key string) error { keys = append(keys, key); return nil })
			slices.Sort(keys)
			if diff := cmp.Diff([]string{"first", "new", "replaced", "stored"}, keys); diff != "" || err != nil {
				t.Errorf("List: %v (-want +got):\n%s", err, diff)
			}
			cache.Flush(t.Context(), w)
		}
	})
}

// A Swap compares with what was written before it, and waits for it no longer
// than its context.
func TestWriteBackSwapWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := cache.WriteBack(&slowTier{Store: cache.NewMemory(nil), takes: time.Second}, nil)
		defer closeStore(t, w)
		put(t, w, headKey, "1")
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if err := cache.Swap(ctx, w, headKey, []byte("1"), []byte("2"), cache.Meta{}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Swap that is given up: %v", err)
		}
		if err := swap(w, nil, []byte("2")); !errors.Is(err, cache.ErrConflict) {
			t.Errorf("Swap of nothing: %v, want a conflict", err)
		}
		put(t, w, headKey, "3")
		if err := swap(w, []byte("3"), []byte("4")); err != nil {
			t.Errorf("Swap of what waits: %v", err)
		}
		wantContent(t, w, headKey, "4")
	})
}

// What memory answers is used on a disk that is written back, too.
func TestWriteBackNotesUse(t *testing.T) {
	dir := t.TempDir()
	record := filepath.Join(dir, ".breakwater", "records", modKey+",json")
	synctest.Test(t, func(t *testing.T) {
		s := cache.Layered(cache.NewMemory(nil), cache.WriteBack(openDisk(t, dir), nil))
		defer closeStore(t, s)
		put(t, s, modKey, "module m")
		cache.Flush(t.Context(), s)
		old := time.Now().Add(-48 * time.Hour)
		if err := os.Chtimes(record, old, old); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Hour)
		wantContent(t, s, modKey, "module m")
		if noted := modTime(t, record); time.Since(noted).Abs() > time.Second {
			t.Errorf("noted %v, want %v", noted, time.Now())
		}
	})
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
