package verify

import (
	archive "archive/zip"
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"hash"
	"hash/crc32"
	"io"
	"strings"
	"sync"
	"sync/atomic"
)

// An entryHash hashes what entries inflate to, one after the other.
type entryHash struct {
	inflater inflater
	file     counter
	in       *bufio.Reader // of file

	sum      hash.Hash
	crc      uint32
	inflated uint64

	most    uint64       // that it may be
	stopped *atomic.Bool // that nobody wants to know any more
}

// fileBlock is how much is read of a file at a time, in bytes. Many are small.
const fileBlock = 8 << 10

var entryHashes = sync.Pool{New: func() any {
	e := &entryHash{sum: sha256.New()}
	e.in = bufio.NewReaderSize(&e.file, fileBlock)
	return e
}}

// release gives e back, without what it was used for.
func (e *entryHash) release() {
	e.file, e.stopped = counter{}, nil
	e.inflater.in, e.inflater.src, e.inflater.deliver = nil, nil, nil
	entryHashes.Put(e)
}

// begin is to be called before an entry.
func (e *entryHash) begin(most uint64, stopped *atomic.Bool) {
	e.sum.Reset()
	e.crc, e.inflated, e.most, e.stopped = 0, 0, most, stopped
}

// add adds a part of the content, and reports whether to go on.
func (e *entryHash) add(p []byte) bool {
	e.inflated += uint64(len(p))
	if e.inflated > e.most || e.stopped.Load() {
		return false
	}
	e.sum.Write(p)
	e.crc = crc32.Update(e.crc, crc32.IEEETable, p)
	return true
}

// Write is add, for what is stored.
func (e *entryHash) Write(p []byte) (int, error) {
	if !e.add(p) {
		return 0, errStopped
	}
	return len(p), nil
}

var errStopped = errors.New("that is enough")

// hashFile hashes a file's content, if it is deflated and all that archive/zip checks
// of it is in order. Where it is not, or it is not to be told from this, archive/zip
// says so.
func (e *entryHash) hashFile(content io.ReaderAt, f *archive.File, failed *atomic.Bool) bool {
	if f.Method != archive.Deflate || strings.HasSuffix(f.Name, "/") {
		return false
	}
	data, err := f.DataOffset()
	if err != nil {
		return false
	}
	e.file = counter{from: io.NewSectionReader(content, data, int64(f.CompressedSize64)+descriptorLen)}
	e.in.Reset(&e.file)
	e.begin(f.UncompressedSize64, failed)
	return e.inflater.inflate(e.in, e.add) &&
		e.inflated == f.UncompressedSize64 && e.crc == f.CRC32 &&
		e.file.n-int64(e.in.Buffered()) == int64(f.CompressedSize64) &&
		(f.Flags&descriptorFlag == 0 || e.isDescribed())
}

// isDescribed reports whether a signature and the CRC come next.
func (e *entryHash) isDescribed() bool {
	b, err := e.in.Peek(descriptorLen)
	return err == nil && binary.LittleEndian.Uint32(b) == 0x08074b50 && binary.LittleEndian.Uint32(b[4:]) == e.crc
}
