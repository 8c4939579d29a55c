// Package cache keeps module files: in memory, on disk, or in layers of both.
//
// A [Store] has two methods, Get and Put. What a store can do beyond that is an
// optional interface, with a function that uses it where it is there and does
// without where it is not: [SpoolFor] for [Spooler], [Commit] for [Mover],
// [Delete] for [Deleter], [Swap] for [Swapper], [Purge] for [Lister], [Lock] for
// [Locker].
//
//   - [NewMemory] keeps small content within a budget of bytes.
//   - [OpenDisk] keeps everything in a directory laid out like
//     GOMODCACHE/cache/download, so that it also works as GOPROXY=file://DIR.
//   - [OpenReadOnly] reads such a directory and changes nothing in it.
//   - [Layered] asks fast stores before slow ones and promotes what it finds.
//   - [Gate] stands before a store that may fail or hang, [WriteBack] before one
//     that is slow to write.
//
// Package cachetest checks that a Store keeps the contract.
//
// # From download to entry
//
// A download is written once, into a [Spool], which hashes it on the way. When
// it is complete and checked, Commit hands the spool to the store, and a disk
// store takes over the spool's file by renaming it:
//
//	store, err := cache.OpenDisk(dir, nil)
//	if err != nil {
//		return err
//	}
//	defer store.Close()
//	spool := cache.SpoolFor(store, 1<<20)
//	defer spool.Close()
//	if _, err := io.Copy(spool, body); err != nil {
//		return err
//	}
//	if err := spool.Finish(); err != nil {
//		return err
//	}
//	return cache.Commit(ctx, store, key, spool, cache.Meta{Fetched: time.Now()})
//
// # Design notes
//
// An entry counts only if its record matches it, so a rename that a crash undoes
// costs one refetch and never a wrong byte.
package cache
