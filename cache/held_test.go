package cache_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/breakwater-go/breakwater/cache"
)

// heldNow returns the content that a store has in memory under a key; empty for none.
// It asks twice: the second time by what was kept of the first.
func heldNow(t *testing.T, s cache.Store, key string) string {
	t.Helper()
	var content [2]string
	for i := range content {
		if held := cache.Hold(s, key); held != nil {
			content[i] = string(held.Content)
		}
	}
	if content[0] != content[1] {
		t.Errorf("%s: %q and then %q", key, content[0], content[1])
	}
	return content[0]
}

// What was asked for a moment ago, and is found without a lock therefore, is not found
// any more when it has been replaced or removed, or has made room for others.
func TestHeldIsWhatIsStored(t *testing.T) {
	s := cache.NewMemory(&cache.MemoryOptions{MaxBytes: 1 << 20})
	const key = "example.com/m/@v/list"
	steps := []struct {
		name string
		do   func()
		want string
	}{
		{"nothing", func() {}, ""},
		{"stored", func() { put(t, s, key, "v1.0.0") }, "v1.0.0"},
		{"replaced", func() { put(t, s, key, "v1.0.1") }, "v1.0.1"},
		{"removed", func() { mustDelete(t, s, key) }, ""},
		{"stored again", func() { put(t, s, key, "v1.0.2") }, "v1.0.2"},
	}
	for _, step := range steps {
		step.do()
		if got := heldNow(t, s, key); got != step.want {
			t.Errorf("%s: %q, want %q", step.name, got, step.want)
		}
	}
}

// The bound counts what is in front, too: there is nothing that is not in a segment.
func TestHeldIsEvicted(t *testing.T) {
	s := cache.NewMemory(&cache.MemoryOptions{MaxBytes: 1 << 20})
	content := strings.Repeat("x", 4<<10)
	for i := range 2000 {
		key := fmt.Sprintf("example.com/m%d/@v/v1.0.0.mod", i)
		put(t, s, key, content)
		heldNow(t, s, key)
	}
	found := 0
	for i := range 2000 {
		if cache.Hold(s, fmt.Sprintf("example.com/m%d/@v/v1.0.0.mod", i)) != nil {
			found++
		}
	}
	usage := cache.UsageOf(s)[0]
	if int64(found) != usage.Entries || usage.Bytes > usage.MaxBytes {
		t.Errorf("%d entries are found, of %d that are counted with %d bytes of %d", found, usage.Entries, usage.Bytes, usage.MaxBytes)
	}
}

// That an entry is asked for counts where it is found without the lock, too: what is
// wanted often does not go for what is wanted less often.
func TestHeldCountsAsUse(t *testing.T) {
	s := cache.NewMemory(&cache.MemoryOptions{MaxBytes: 1 << 20})
	content := strings.Repeat("x", 2<<10)
	ask := func(kind string, i, times int) {
		key := fmt.Sprintf("example.com/%s%d/@v/v1.0.0.mod", kind, i)
		put(t, s, key, content)
		for range times {
			cache.Hold(s, key)
		}
	}
	const popular = 100
	for i := range popular {
		ask("popular", i, 8)
	}
	for i := range 3000 {
		ask("seldom", i, 2)
	}
	stayed := 0
	for i := range popular {
		if cache.Hold(s, fmt.Sprintf("example.com/popular%d/@v/v1.0.0.mod", i)) != nil {
			stayed++
		}
	}
	if stayed < popular*9/10 { // keys that share counters with others may go
		t.Errorf("%d of %d that were popular are left", stayed, popular)
	}
}

// Who asks all the time does not keep what is replaced and removed meanwhile, and sees
// no step back.
func TestHeldByMany(t *testing.T) {
	s := cache.NewMemory(nil)
	const key, rounds = "example.com/m/@v/list", 2000
	done := make(chan struct{})
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			last := ""
			for {
				select {
				case <-done:
					return
				default:
				}
				if held := cache.Hold(s, key); held != nil {
					if now := string(held.Content); now < last {
						t.Errorf("%s after %s", now, last)
						return
					} else {
						last = now
					}
				}
			}
		})
	}
	for i := range rounds {
		want := fmt.Sprintf("v1.0.%06d", i)
		put(t, s, key, want)
		if got := heldNow(t, s, key); got != want {
			t.Fatalf("%q after %q was stored", got, want)
		}
		if i%2 == 0 {
			continue
		}
		mustDelete(t, s, key)
		if got := heldNow(t, s, key); got != "" {
			t.Fatalf("%q after it was removed", got)
		}
	}
	close(done)
	readers.Wait()
}

func mustDelete(t *testing.T, s cache.Store, key string) {
	t.Helper()
	if _, err := cache.Delete(t.Context(), s, key); err != nil {
		t.Fatal(err)
	}
}
