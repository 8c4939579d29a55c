package cache

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"io/fs"
	"sync"
)

// errDamaged is why an entry whose bytes are not those that were stored is a
// miss.
var errDamaged = errors.New("its bytes are not those that were stored")

// A fingerprint is what shows that a file is the one that was looked at, without
// reading it.
type fingerprint struct {
	size, changed int64
	inode         uint64 // 0 where there is no such thing
}

func fingerprintOf(info fs.FileInfo) fingerprint {
	return fingerprint{info.Size(), info.ModTime().UnixNano(), inodeOf(info)}
}

// maxSeen bounds how many files are remembered: beyond that all are forgotten,
// which costs reading each once more.
const maxSeen = 1 << 18

// A witness remembers which files this process has read in full, or written, and
// found to be whole, and which it has found damaged and could not remove.
type witness struct {
	whole, damaged marks
}

func newWitness() *witness { return &witness{newMarks(), newMarks()} }

// marks are files that are remembered, by key.
type marks struct {
	seed maphash.Seed

	mu   *sync.Mutex
	seen map[uint64]fingerprint // by hash of the key: another key's file has another inode
}

func newMarks() marks {
	return marks{maphash.MakeSeed(), new(sync.Mutex), map[uint64]fingerprint{}}
}

// add remembers the file under key.
func (m marks) add(key string, f fingerprint) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.seen) >= maxSeen {
		clear(m.seen)
	}
	m.seen[maphash.String(m.seed, key)] = f
}

// has reports whether the file under key is remembered.
func (m marks) has(key string, f fingerprint) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.seen) > 0 && m.seen[maphash.String(m.seed, key)] == f
}

// errKnown is of a file that was found damaged before, and could not be removed.
var errKnown = fmt.Errorf("%w, which is known", errDamaged)

// ensureWhole reads a file in full the first time that this process meets it,
// and again when it is another one by size, time or inode.
func (d *Disk) ensureWhole(ctx context.Context, key string, file io.ReaderAt, info fs.FileInfo, rec record) error {
	f := fingerprintOf(info)
	if d.witness.whole.has(key, f) {
		return nil
	}
	done, err := d.reading.take(ctx, key)
	if err != nil {
		return err
	}
	defer done()
	if d.witness.whole.has(key, f) { // somebody else has read it meanwhile
		return nil
	}
	if d.witness.damaged.has(key, f) {
		return errKnown
	}
	if err := readThrough(ctx, file, info.Size(), rec.meta().Digest); err != nil {
		return err
	}
	d.witness.whole.add(key, f)
	return nil
}

var readBuffers = sync.Pool{New: func() any { b := make([]byte, 128<<10); return &b }}

// readThrough compares content with its digest. A file that cannot be read is
// damaged, too.
func readThrough(ctx context.Context, r io.ReaderAt, size int64, want Digest) error {
	hash := sha256.New()
	buf := readBuffers.Get().(*[]byte)
	defer readBuffers.Put(buf)
	_, err := io.CopyBuffer(writerOnly{hash}, contextReader{ctx, io.NewSectionReader(r, 0, size)}, *buf)
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil:
		return fmt.Errorf("%w: %w", errDamaged, err)
	case Digest(hash.Sum(nil)) != want:
		return errDamaged
	}
	return nil
}

// writerOnly keeps io.CopyBuffer from taking another way than through the buffer.
type writerOnly struct{ io.Writer }
