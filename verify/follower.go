package verify

import (
	archive "archive/zip"
	"bufio"
	"cmp"
	"context"
	"crypto/sha256"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/breakwater-go/breakwater/cache"
)

// maxArrived is how many entries are hashed on the way, lest they take more memory
// than the zip's directory does: it bounds them to 8 MiB.
const maxArrived = 1 << 17

// A follower hashes the entries of a zip while it arrives, by what their local headers
// say. That is only ever a guess at what the directory at the end will ask for: a sum
// is used where archive/zip, asked for an entry of the directory, would read the same
// bytes in the same way. Everything else is hashed again. So whatever is unusual on
// the way ends it, without an error.
type follower struct {
	spool *cache.Spool
	least int64 // how large a zip is worth it, in bytes
	from  *cache.SpoolReader
	stop  context.CancelFunc // ends waiting for more of it
	ended chan struct{}      // closed when the goroutine is about to end

	in       *bufio.Reader
	read     counter // beyond what is still in in
	inflated uint64  // in all

	abandoned atomic.Bool // ends it in the middle of an entry

	mu      sync.Mutex
	settled bool           // no further entry is begun
	inHand  int64          // where the data of the entry is that is being hashed; 0: none is
	entries []arrivedEntry // by where their data is
}

// An arrivedEntry is what was found at one place of a zip. Its data inflate to
// exactly this, and no byte after it was looked at for that.
type arrivedEntry struct {
	data       int64 // where they begin
	compressed uint64
	inflated   uint64
	sum        [sha256.Size]byte
	crc        uint32
	method     uint16
	described  bool // the data are followed by their CRC
}

// newFollower makes a follower that holds spool until its run has ended.
func newFollower(ctx context.Context, spool *cache.Spool, least int64) *follower {
	ctx, stop := context.WithCancel(ctx)
	return &follower{spool: spool, least: least, from: spool.Reader(ctx), stop: stop, ended: make(chan struct{})}
}

func (f *follower) isOf(spool *cache.Spool) bool { return f != nil && f.spool == spool }

// abandon makes the goroutine end soon, whatever it is at.
func (f *follower) abandon() {
	if f != nil {
		f.abandoned.Store(true)
		f.stop()
	}
}

// settle has no further entry begun: from now on, all cores hash those that are left.
func (f *follower) settle() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.settled = true
}

// take begins an entry, unless f is settled or has enough.
func (f *follower) take(data int64) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.settled || len(f.entries) >= maxArrived {
		return false
	}
	f.inHand = data
	return true
}

// put ends the entry in hand; nil: nothing came of it.
func (f *follower) put(e *arrivedEntry) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.inHand = 0
	if e != nil {
		f.entries = append(f.entries, *e)
	}
}

// sum returns the sum of what file inflates to, if it is known that it does, as far
// as it says, without an error. It waits for the entry in hand if it is that: nobody
// would be done with it sooner. A nil follower knows nothing.
func (f *follower) sum(file *archive.File) (sum [sha256.Size]byte, ok bool) {
	if f == nil || strings.HasSuffix(file.Name, "/") { // archive/zip reads nothing of a directory
		return sum, false
	}
	data, err := file.DataOffset()
	if err != nil {
		return sum, false
	}
	if f.isInHand(data) {
		<-f.ended
	}
	e, ok := f.entryAt(data)
	return e.sum, ok && e.is(file)
}

func (f *follower) isInHand(data int64) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.inHand == data && data > 0
}

func (f *follower) entryAt(data int64) (arrivedEntry, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	i, ok := slices.BinarySearchFunc(f.entries, data, func(e arrivedEntry, data int64) int { return cmp.Compare(e.data, data) })
	if !ok {
		return arrivedEntry{}, false
	}
	return f.entries[i], true
}

// is reports whether archive/zip, reading file whose data are at the same place,
// would come to the same end. It knows the method, the sizes and the CRC from the
// directory alone, and so whether a CRC after the data has to agree as well. What
// else a local header says, the name above all, does not concern it.
func (e *arrivedEntry) is(file *archive.File) bool {
	return e.method == file.Method && e.compressed == file.CompressedSize64 &&
		e.inflated == file.UncompressedSize64 && e.crc == file.CRC32 &&
		(e.described || file.Flags&descriptorFlag == 0)
}
