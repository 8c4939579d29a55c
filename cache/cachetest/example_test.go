package cachetest_test

import (
	"fmt"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/cache/cachetest"
)

// A test of a store of your own: newStore makes an empty one each time.
func Example() {
	newStore := func() (cache.Store, error) {
		return cache.NewMemory(&cache.MemoryOptions{MaxBytes: 64 << 20}), nil // for you: your own
	}
	if err := cachetest.Test(newStore); err != nil {
		fmt.Println(err) // in a test: t.Fatal(err)
		return
	}
	fmt.Println("it keeps the contract")
	// Output: it keeps the contract
}
