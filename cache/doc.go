// Package cache keeps module files: in memory, on disk, or in layers of both.
//
// A [Store] has two methods, Get and Put. What a store can do beyond that is an
// optional interface, with a function that uses it where it is there and does
// without where it is not: [SpoolFor] for [Spooler], [Commit] for [Mover],
// [Delete] for [Deleter], [Swap] for [Swapper], [Purge] for [Lister], [Lock] for
// [Locker], [Flush] for [Flusher], [UsageOf] for [Measured], [FileSystemsOf] for
// [Mounted]. [Ping] asks any store whether it answers.
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
// # What each store promises
//
//	            survives    bounded         checks bytes     several         Get while      list, delete,
//	            a restart                   that it reads    processes       it fails       lock, swap
//	memory      no          bytes           when stored      no              cannot fail    all but lock
//	disk        yes         bytes, files,   first read, and  yes             its error      all
//	                        age             when changed
//	read-only   yes         no: it never    first read, and  yes             its error      list
//	                        grows           when changed
//	layered     as the      each layer by   each layer by    as the last;    another layer  as the last
//	            last layer  itself          itself, and      one before may  answers, else  layer that is
//	                                        when promoted    be behind       its error      writable
//	gate        as its      as its store    as its store     as its store    a miss         as its store
//	            store
//	write-back  when        the queue:      as its store     as its store,   its error, or  as its store
//	            written     entries, bytes                   when written    what waits
//
// "First read" is the first in each process. A Delete through layers leaves what
// is in a read-only one, and List tells what is in any layer that can be listed.
// What is bounded by Bounds of a disk store has none by default.
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
