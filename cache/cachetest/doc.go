// Package cachetest checks that a [cache.Store] keeps the contract that its
// doc comments state. It knows only the interfaces, so it runs against any
// store and under any test framework:
//
//	func TestStore(t *testing.T) {
//		err := cachetest.Test(func() (cache.Store, error) {
//			return mystore.Open(t.TempDir())
//		})
//		if err != nil {
//			t.Fatal(err)
//		}
//	}
//
// A store that lasts, and one that makes room, promise more than that:
// [TestReopen], [TestDamage] and [TestBounds] check it.
//
// Run it under the race detector: some checks use a store from many goroutines
// at once.
package cachetest
