// Package cache keeps module files: in memory, on disk, or in layers of both.
//
//	disk, err := cache.OpenDisk(dir, nil)
//	if err != nil {
//		return err
//	}
//	store := cache.Layered(cache.NewMemory(nil), disk)
//	defer cache.Close(store)
//	entry, err := store.Get(ctx, "golang.org/x/mod/@v/v0.32.0.mod")
//	if errors.Is(err, fs.ErrNotExist) {
//		// a miss, and err says why
//	}
//
// A [Store] has two methods, Get and Put. What a store can do beyond that is an
// optional interface, with a function that uses it where it is there and does
// without where it is not: [SpoolFor] for [Spooler], [Commit] for [Mover],
// [Delete] for [Deleter], [Swap] for [Swapper], [Purge] for [Lister], [Lock] for
// [Locker], [Flush] for [Flusher], [Hold] for [Holder], [UsageOf] for [Measured],
// [FileSystemsOf] for [Mounted]. [Ping] asks any store whether it answers.
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
//	            survives    bounded by     checks bytes    shared by
//	            a restart                  that it reads   processes
//	memory      no          bytes          when stored     no
//	disk        yes         bytes, files,  first read,     yes
//	                        age            and if changed
//	read-only   yes         nothing: it    first read,     yes
//	                        never grows    and if changed
//	layered     as the      each layer     each layer by   as the last;
//	            last layer  by itself      itself, and     others may
//	                                       when promoted   be behind
//	gate        as its      as its store   as its store    as its store
//	            store
//	write-back  when        entries and    as its store    as its store,
//	            written     bytes waiting                  when written
//
//	            Get while it fails         list, delete, lock, swap
//	memory      cannot fail                all but lock
//	disk        its error                  all
//	read-only   its error                  list
//	layered     another layer answers,     as the last layer that can
//	            or its error               be written
//	gate        a miss                     as its store
//	write-back  what waits, or its error   as its store
//
// "First read" is the first in each process. A Delete through layers leaves what
// is in a read-only one, and List tells what is in any layer that can be listed.
// The [Bounds] of a disk store are none by default.
//
// # From download to entry
//
// A download is written once, into a [Spool], which hashes it on the way. When
// it is complete and checked, Commit hands the spool to the store, and a disk
// store takes over the spool's file by renaming it:
//
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
