package cache

import (
	"hash/maphash"
	"io/fs"
	"os"
	"sync"
	"time"
)

// To read a record takes twice as long as all the rest of a hit on disk, for each
// directory on the way to it is opened. What it said is kept in memory, therefore, for
// as long as the content is in the very file that it was read for: Put and Move give
// content and record another file each, the record's first, and who removes an entry
// removes its content first. Somebody else may remove a record, and nothing but that;
// this is noticed when the use of the entry has to be noted again, within the hour.

// maxKnown bounds how many records are kept, some 400 bytes each: beyond that all are
// forgotten.
const maxKnown = 1 << 14

// settled is how long ago a file must have been put in place for its record to be kept.
// One that was read in between may be of the file before. Clocks of file systems are
// coarse, a second at the worst of those in use.
const settled = 2 * time.Second

// known are the records that were read.
type known struct {
	seed maphash.Seed

	mu      sync.Mutex
	records map[uint64]knownRecord // by hash of the key: another key's file has another inode
}

type knownRecord struct {
	file  fingerprint
	ctime int64 // of the file, Unix nanoseconds
	rec   record
}

func newKnown() *known {
	return &known{seed: maphash.MakeSeed(), records: map[uint64]knownRecord{}}
}

func (k *known) get(key string) (knownRecord, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	r, ok := k.records[maphash.String(k.seed, key)]
	return r, ok
}

// add keeps the record of a file that was read at that time, or later.
func (k *known) add(key string, info fs.FileInfo, rec record, read time.Time) {
	file, ctime := fingerprintOf(info), ctimeOf(info)
	if file.inode == 0 || ctime == 0 || read.Sub(time.Unix(0, ctime)) < settled {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.records) >= maxKnown {
		clear(k.records)
	}
	k.records[maphash.String(k.seed, key)] = knownRecord{file, ctime, rec}
}

// openKnown opens the file under key, if it is the one whose record is known, and the
// use of it need not be noted. Otherwise file is nil, whatever the reason: the record
// has to be read.
func (d *Disk) openKnown(key string) (file *os.File, info fs.FileInfo, rec record) {
	known, ok := d.known.get(key)
	if !ok || time.Since(known.rec.used).Abs() > touchEvery {
		return nil, nil, record{}
	}
	file, err := d.root().Open(key)
	if err != nil {
		return nil, nil, record{}
	}
	info, err = file.Stat()
	if err != nil || !known.rec.describes(info) || fingerprintOf(info) != known.file || ctimeOf(info) != known.ctime {
		file.Close()
		return nil, nil, record{}
	}
	return file, info, known.rec
}
