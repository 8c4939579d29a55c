package cache_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/breakwater-go/breakwater/cache"
)

// Purge counts each entry once, though two layers have it, and spares the rest.
func TestPurge(t *testing.T) {
	s := cache.Layered(cache.NewMemory(nil), openDisk(t, t.TempDir()))
	for _, key := range []string{"a/1", "a/2", "b/1"} {
		put(t, s, key, "content")
	}
	n, err := cache.Purge(t.Context(), s, func(key string) bool { return strings.HasPrefix(key, "a/") })
	if n != 2 || err != nil {
		t.Errorf("purged %d: %v", n, err)
	}
	wantMiss(t, s, "a/1")
	wantMiss(t, s, "a/2")
	wantContent(t, s, "b/1", "content")
}

// Stores of which none can say what it holds are not empty.
func TestListOfNoLister(t *testing.T) {
	only := func() cache.Store { return plain{cache.NewMemory(nil).(cache.Deleter)} }
	for name, s := range map[string]cache.Store{
		"plain":        only(),
		"gate":         cache.Gate(only(), nil),
		"layers":       cache.Layered(only(), only()),
		"gated layers": cache.Layered(cache.Gate(only(), nil), cache.Gate(only(), nil)),
	} {
		if _, err := cache.Purge(t.Context(), s, func(string) bool { return true }); !errors.Is(err, cache.ErrNotLister) {
			t.Errorf("%s: %v, want ErrNotLister", name, err)
		}
	}
}
