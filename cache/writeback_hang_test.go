package cache_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/breakwater-go/breakwater/cache"
)

// Close does not hang with a store that does: it says what is left, and so does
// OnError. The write that hangs may yet take effect.
func TestWriteBackHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stuck{cache.NewMemory(nil), time.Hour}
		var told []string
		w := cache.WriteBack(s, &cache.WriteBackOptions{
			Drain:   10 * time.Second,
			OnError: func(key string, _ error) { told = append(told, key) },
		})
		for _, key := range []string{"a", "b", "c"} {
			put(t, w, key, "content")
		}
		begun := time.Now()
		err := w.(io.Closer).Close()
		if took := time.Since(begun); took != 11*time.Second {
			t.Errorf("Close took %v", took)
		}
		unwritten, ok := errors.AsType[*cache.UnwrittenError](err)
		if !ok {
			t.Fatalf("Close: %v", err)
		}
		if diff := cmp.Diff(&cache.UnwrittenError{Key: "a", Left: []string{"b", "c"}}, unwritten); diff != "" {
			t.Errorf("left (-want +got):\n%s", diff)
		}
		if !slices.Equal(told, unwritten.Left) {
			t.Errorf("told of %v", told)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := cache.Flush(ctx, w); err == nil {
			t.Error("Flush does not know")
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		wantContent(t, s.Store, "a", "content")
		wantMiss(t, s.Store, "b")
	})
}

// A Body is read no further than to the byte that shows that it is too long.
func TestBodyWithoutEnd(t *testing.T) {
	disk := openDisk(t, t.TempDir())
	for name, s := range map[string]cache.Store{
		"memory":     cache.NewMemory(nil),
		"disk":       disk,
		"gate":       cache.Gate(disk, nil),
		"layered":    cache.Layered(cache.NewMemory(nil), disk),
		"no room":    cache.Layered(cache.NewMemory(&cache.MemoryOptions{MaxEntry: 1}), disk),
		"write-back": cache.WriteBack(disk, nil),
	} {
		t.Run(name, func(t *testing.T) {
			read := 0
			endless := readerFunc(func(p []byte) (int, error) {
				if read += len(p); read > 1<<20 {
					return 0, io.ErrNoProgress
				}
				return len(p), nil
			})
			err := s.Put(t.Context(), modKey, cache.Content{Size: 5, Body: endless})
			if err == nil || errors.Is(err, io.ErrNoProgress) || read != 6 {
				t.Errorf("%v after %d bytes, want a refusal after 6", err, read)
			}
		})
	}
}
