package cache_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/breakwater-go/breakwater/cache"
)

func TestMemoryBudget(t *testing.T) {
	for _, budget := range []int64{-1, 1, 15, 16, 1000, 16 << 10, 64 << 10, 1 << 20} {
		t.Run(fmt.Sprint(budget), func(t *testing.T) {
			s := cache.NewMemory(&cache.MemoryOptions{MaxBytes: budget})
			random := rand.New(rand.NewPCG(1, uint64(budget)))
			sizes := make(map[string]int)
			for i := range 2000 {
				key := fmt.Sprintf("key/%d", random.IntN(500)) // some are overwritten
				size := random.IntN(3000)
				err := s.Put(t.Context(), key, text(strings.Repeat("x", size)))
				if err != nil && !errors.Is(err, cache.ErrTooLarge) {
					t.Fatal(err)
				}
				sizes[key] = size
				if i%100 == 99 {
					wantWithin(t, s, sizes, max(budget, 0))
				}
			}
		})
	}
}

func wantWithin(t *testing.T, s cache.Store, keys map[string]int, budget int64) {
	t.Helper()
	var sum int64
	for key := range keys {
		if e, err := s.Get(t.Context(), key); err == nil {
			sum += e.Size
		}
	}
	if sum > budget {
		t.Fatalf("the store has %d bytes, over its budget of %d", sum, budget)
	}
	// A quarter, because entries are spread by chance and cost more than content.
	if budget >= 64<<10 && len(keys) > 400 && sum < budget/4 {
		t.Fatalf("the store has %d bytes, far from its budget of %d", sum, budget)
	}
}

func TestMemoryEvictsLeastRecentlyUsed(t *testing.T) {
	s := cache.NewMemory(&cache.MemoryOptions{MaxBytes: 256 << 10})
	put(t, s, "cold", "nobody asks for it")
	put(t, s, "hot", "asked for all the time")
	for i := range 2000 {
		put(t, s, fmt.Sprintf("other/%d", i), strings.Repeat("x", 1000))
		if !stored(s, "hot") {
			t.Fatalf("after %d others, the entry asked for all the time is gone", i)
		}
	}
	wantMiss(t, s, "cold")
	wantContent(t, s, "other/1999", strings.Repeat("x", 1000))
}

// TestMemoryAccounts overwrites and deletes. If either counted wrongly, the
// entries beside would be evicted, or the budget not be held.
func TestMemoryAccounts(t *testing.T) {
	for name, change := range map[string]func(s cache.Store, i int) error{
		"overwrite": func(s cache.Store, i int) error {
			return s.Put(t.Context(), "changing", text(strings.Repeat("x", i%1000)))
		},
		"delete": func(s cache.Store, i int) error {
			put(t, s, "changing", strings.Repeat("x", 500))
			_, err := cache.Delete(t.Context(), s, "changing")
			return err
		},
		"refuse": func(s cache.Store, i int) error {
			c := text(strings.Repeat("x", 500))
			c.Digest[0] = 1
			if err := s.Put(t.Context(), "changing", c); err == nil {
				return errors.New("content with the wrong digest was stored")
			}
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := cache.NewMemory(&cache.MemoryOptions{MaxBytes: 64 << 10})
			for i := range 10 {
				put(t, s, fmt.Sprint(i), strings.Repeat("y", 100))
			}
			for i := range 2000 {
				if err := change(s, i); err != nil {
					t.Fatal(err)
				}
			}
			for i := range 10 {
				wantContent(t, s, fmt.Sprint(i), strings.Repeat("y", 100))
			}
		})
	}
}

func TestMemoryMaxEntry(t *testing.T) {
	for _, test := range []struct {
		name string
		opts *cache.MemoryOptions
		want int64
	}{
		{"default", nil, 1 << 20},
		{"set", &cache.MemoryOptions{MaxEntry: 100}, 100},
		{"set above what a shard holds", &cache.MemoryOptions{MaxBytes: 32 << 10, MaxEntry: 1 << 20}, 1 << 10},
		{"default above what a shard holds", &cache.MemoryOptions{MaxBytes: 32 << 10}, 1 << 10},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := cache.NewMemory(test.opts)
			if got := s.(cache.Bounded).MaxEntry(); got != test.want {
				t.Errorf("MaxEntry is %d, want %d", got, test.want)
			}
			put(t, s, "fits", strings.Repeat("x", int(test.want)))
			wantMiss(t, s, "does not")
			wantContent(t, s, "fits", strings.Repeat("x", int(test.want)))
			err := s.Put(t.Context(), "does not", text(strings.Repeat("x", int(test.want)+1)))
			if !errors.Is(err, cache.ErrTooLarge) {
				t.Errorf("Put of MaxEntry+1 bytes: %v, want ErrTooLarge", err)
			}
		})
	}
}
