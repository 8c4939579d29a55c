package main

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
)

// growthEntriesPromises are about stores that hold more and more: a hit must not cost
// more for it, nor opening, nor an entry's share of the heap.
func growthEntriesPromises() []promise {
	var promises []promise
	for _, n := range []int{10_000, 100_000, 1_000_000} {
		promises = append(promises, memoryGrowth(n)...)
	}
	for _, n := range []int{10_000, 100_000} {
		promises = append(promises, diskGrowth(n)...)
	}
	return append(append(promises, memoryPerEntry()...), diskPerEntry())
}

const (
	// smallest is the number of entries with which larger stores are compared.
	smallest = 1000

	// quickEntries is the largest number of entries in a quick run.
	quickEntries = 10_000

	// growthFloor is how many times as much as the smallest store the largest may take.
	growthFloor = 2

	// mapFloor is how many times as much as a look into a plain map of as many a hit in
	// memory may take. Both slow down alike where what is asked for is not in the
	// processor's caches.
	mapFloor = 6
)

// tooLarge is why a store of n entries is not measured in e, or nil.
func tooLarge(e *env, n int) error {
	if e.quick && n > quickEntries {
		return &skipped{"a quick run takes no store of that size"}
	}
	return nil
}

// entryKey is the key of entry i: modules with 40 versions each.
func entryKey(i int) string {
	const versions = 40
	m := i / versions
	return fmt.Sprintf("example.com/owner%d/module%d/@v/v1.%d.0.mod", m/50, m, i%versions)
}

// entryContent is of size bytes or a little more, and no other entry's.
func entryContent(i, size int) []byte {
	line := entryKey(i) + "\n"
	return []byte(strings.Repeat(line, size/len(line)+1))
}

// drawKeys draws keys of a store of n entries, the same ones each time. They lie one
// after the other in memory, as if they had just arrived: looking for the question is
// no part of finding the answer.
func drawKeys(n, count int) []string {
	random := rand.New(rand.NewPCG(uint64(n), 1))
	var drawn strings.Builder
	ends := make([]int, count)
	for i := range ends {
		drawn.WriteString(entryKey(random.IntN(n)))
		ends[i] = drawn.Len()
	}
	keys, begin := make([]string, count), 0
	for i, end := range ends {
		keys[i], begin = drawn.String()[begin:end], end
	}
	return keys
}

// liveHeap is what the live objects of this process take, in bytes.
func liveHeap() uint64 {
	runtime.GC()
	runtime.GC() // what the first has only taken out of pools
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// heapOf returns how much more the heap holds after make than before, while what it has
// made is alive.
func heapOf[T any](make func() (T, error)) (made T, bytes float64, err error) {
	before := liveHeap()
	made, err = make()
	after := liveHeap()
	runtime.KeepAlive(made)
	return made, float64(after) - float64(before), err
}
