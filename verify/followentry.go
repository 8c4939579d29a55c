package verify

import (
	archive "archive/zip"
	"bufio"
	"encoding/binary"
	"io"

	"golang.org/x/mod/zip"
)

const (
	localLen, descriptorLen = 30, 16

	// descriptorFlag says that the CRC and the sizes of an entry are after its data.
	descriptorFlag = 0x8

	// followBlock is how much is read of what has arrived at a time, in bytes.
	followBlock = 64 << 10
)

// counter counts what is read.
type counter struct {
	from io.Reader
	n    int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.from.Read(p)
	c.n += int64(n)
	return n, err
}

// at is the offset of what f reads next.
func (f *follower) at() int64 { return f.read.n - int64(f.in.Buffered()) }

// run hashes entries until one is not as they usually are.
func (f *follower) run() {
	defer close(f.ended)
	defer f.stop()
	defer f.from.Close()
	if !f.isWorthIt() {
		return
	}
	f.read.from = f.from
	f.in = bufio.NewReaderSize(&f.read, followBlock)
	e := entryHashes.Get().(*entryHash)
	defer e.release()
	for f.entry(e) {
	}
}

// isWorthIt waits until there is as much as makes it worth it: how much there will be
// need not be known.
func (f *follower) isWorthIt() bool {
	if f.least == 0 {
		return true
	}
	_, err := f.from.ReadAt(make([]byte, 1), f.least-1)
	return err == nil
}

// entry hashes the next entry, and reports whether there may be another.
func (f *follower) entry(h *entryHash) bool {
	header, err := f.in.Peek(localLen)
	le := binary.LittleEndian
	if err != nil || le.Uint32(header) != 0x04034b50 {
		return false
	}
	flags, size := le.Uint16(header[6:]), uint64(le.Uint32(header[18:]))
	e := arrivedEntry{method: le.Uint16(header[8:])}
	if _, err := f.in.Discard(localLen + int(le.Uint16(header[26:])) + int(le.Uint16(header[28:]))); err != nil {
		return false
	}
	e.data = f.at()
	if !f.take(e.data) {
		return false
	}
	if !f.hash(h, &e, size) || !f.describe(&e, flags, size) {
		f.put(nil)
		return false
	}
	f.put(&e)
	return true
}

// hash hashes an entry's data: deflated ones end by themselves, stored ones where
// their header says.
func (f *follower) hash(h *entryHash, e *arrivedEntry, size uint64) bool {
	h.begin(zip.MaxZipFile-f.inflated, &f.abandoned)
	switch e.method {
	case archive.Deflate:
		if !h.inflater.inflate(f.in, h.add) {
			return false
		}
	case archive.Store:
		if _, err := io.CopyN(h, f.in, int64(size)); err != nil {
			return false
		}
	default:
		return false
	}
	f.inflated += h.inflated
	e.inflated, e.crc = h.inflated, h.crc
	h.sum.Sum(e.sum[:0])
	return true
}

// describe finds out how long the data were, and whether what comes after them, or
// came before, agrees.
func (f *follower) describe(e *arrivedEntry, flags uint16, size uint64) bool {
	e.compressed = uint64(f.at() - e.data)
	if flags&descriptorFlag == 0 {
		return e.compressed == size
	}
	b, err := f.in.Peek(descriptorLen)
	le := binary.LittleEndian
	if err != nil || le.Uint32(b) != 0x08074b50 || le.Uint32(b[4:]) != e.crc ||
		uint64(le.Uint32(b[8:])) != e.compressed || uint64(le.Uint32(b[12:])) != e.inflated {
		return false
	}
	e.described = true
	_, err = f.in.Discard(descriptorLen)
	return err == nil
}
