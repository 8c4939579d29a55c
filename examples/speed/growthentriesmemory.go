package main

import (
	"bytes"
	"context"
	"fmt"

	"github.com/breakwater-go/breakwater/cache"
)

// smallContent is about the content of an entry in bytes, where there are many.
const smallContent = 64

// entryOverhead is more than enough of a budget for what a memory store keeps beside an
// entry's content and key, in bytes.
const entryOverhead = 1 << 10

// memoryGrowth is about a memory store of n entries: its hits beside those of a small
// store, and beside what finding a key among as many takes without any store, for the
// processor's caches hold less of both; and its heap.
func memoryGrowth(n int) []promise {
	return []promise{{
		name: fmt.Sprintf("hit in memory among %d", n), against: fmt.Sprintf("among %d", smallest),
		unit: "ns/op", compare: cost,
		setUp: func(ctx context.Context, e *env) (*sides, error) {
			return memoryHitSides(ctx, e, n, storeHits(smallest))
		},
	}, {
		name: fmt.Sprintf("the same among %d", n), against: "a plain map of as many",
		unit: "ns/op", compare: cost, floor: mapFloor,
		setUp: func(ctx context.Context, e *env) (*sides, error) {
			return memoryHitSides(ctx, e, n, mapHits(n))
		},
	}, {
		name: fmt.Sprintf("heap per entry in memory, %d", n), against: fmt.Sprintf("of %d", smallest),
		unit: "B/op", compare: cost, floor: growthFloor, rounds: 3,
		setUp: func(_ context.Context, e *env) (*sides, error) {
			return &sides{ours: memoryHeap(n, smallContent), limit: memoryHeap(smallest, smallContent)}, tooLarge(e, n)
		},
	}}
}

// memoryPerEntry is about what an entry of the size of a go.mod file takes: beside its
// bytes, and beside what the store counts for it, by which it keeps to its budget.
func memoryPerEntry() []promise {
	entries := func(e *env) int { return e.size(20_000, 5_000) }
	return []promise{{
		name: "heap of a 1 KiB entry in memory", against: "its content and key",
		unit: "B/op", compare: cost, rounds: 5,
		setUp: func(_ context.Context, e *env) (*sides, error) {
			return &sides{ours: memoryHeap(entries(e), 1<<10), limit: entryBytes(entries(e), 1<<10)}, nil
		},
	}, {
		name: "the same, of the budget", against: "what the store counts",
		unit: "B/op", compare: cost, floor: 1.1, rounds: 5,
		setUp: func(_ context.Context, e *env) (*sides, error) {
			return &sides{ours: memoryHeap(entries(e), 1<<10), limit: countedBytes(entries(e), 1<<10)}, nil
		},
	}}
}

// entryBytes is what content and key of an entry are, on average.
func entryBytes(n, size int) func(context.Context) (sample, error) {
	return func(ctx context.Context) (sample, error) {
		total := 0
		for i := range n {
			total += len(entryKey(i)) + len(entryContent(i, size))
		}
		return sample{value: float64(total) / float64(n)}, ctx.Err()
	}
}

// memoryHeap makes a store each time and returns the heap's growth per entry.
func memoryHeap(n, size int) func(context.Context) (sample, error) {
	return func(ctx context.Context) (sample, error) {
		_, grown, err := heapOf(func() (cache.Store, error) { return filledMemory(ctx, n, size) })
		return sample{value: grown / float64(n)}, err
	}
}

// countedBytes is what a store says that an entry takes of its budget, on average.
func countedBytes(n, size int) func(context.Context) (sample, error) {
	return func(ctx context.Context) (sample, error) {
		s, err := filledMemory(ctx, n, size)
		if err != nil {
			return sample{}, err
		}
		used := cache.UsageOf(s)[0]
		if used.Entries != int64(n) {
			return sample{}, fmt.Errorf("%d of %d entries are in memory", used.Entries, n)
		}
		return sample{value: float64(used.Bytes) / float64(n)}, nil
	}
}

// filledMemory returns a memory store with n entries, and room for more.
func filledMemory(ctx context.Context, n, size int) (cache.Store, error) {
	s := cache.NewMemory(&cache.MemoryOptions{MaxBytes: int64(n)*int64(size+entryOverhead) + 1<<20})
	return s, fill(ctx, s, 0, n, size)
}

// fill puts the entries from the first up to, but without, the end.
func fill(ctx context.Context, s cache.Store, first, end, size int) error {
	for i := first; i < end; i++ {
		content := entryContent(i, size)
		c := cache.Content{Size: int64(len(content)), Body: bytes.NewReader(content)}
		if err := s.Put(ctx, entryKey(i), c); err != nil {
			return err
		}
	}
	return nil
}
