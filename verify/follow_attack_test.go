package verify

import (
	"bufio"
	"bytes"
	"compress/flate"
	"testing"

	"github.com/breakwater-go/breakwater/cache"
)

// emptyBlocks is an entry of a zip that inflates to nothing, however long it is.
func emptyBlocks(size int) []byte {
	header := make([]byte, localLen)
	copy(header, "PK\x03\x04\x14\x00\x08\x00\x08\x00")
	return append(header, bytes.Repeat([]byte{0, 0, 0, 0xff, 0xff}, size/5)...) // stored, not the last, of no bytes
}

// Who is not wanted any more ends soon, whatever it is at: Fetch waits for it when its
// caller has long gone, and Close waits for Fetch.
func TestFollowIsAbandonedInEmptyBlocks(t *testing.T) {
	const size = 64 << 20
	spool := cache.NewSpool(0, t.TempDir())
	defer spool.Close()
	if _, err := spool.Write(emptyBlocks(size)); err != nil {
		t.Fatal(err)
	}
	f := newFollower(t.Context(), spool, 0)
	f.abandon() // before it has begun
	f.run()
	if f.read.n > size/2 {
		t.Errorf("abandoned, it read %d of %d bytes", f.read.n, size)
	}
}

// worstBlocks are blocks with codes of their own that hold nothing: the most work that a
// byte can ask for.
func worstBlocks(n int) []byte {
	var b []byte
	var have uint64
	var count int
	put := func(v uint64, width int) {
		have |= v << count
		for count += width; count >= 8; count -= 8 {
			b = append(b, byte(have))
			have >>= 8
		}
	}
	for i := range n {
		put(uint64(map[bool]int{true: 1}[i == n-1]), 1)
		put(2, 2)
		put(0, 5) // 257
		put(0, 5) // 1
		put(14, 4)
		for _, symbol := range []int{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1} {
			switch symbol { // 18: 0, 0: 10, 1: 11
			case 18:
				put(1, 3)
			case 0, 1:
				put(2, 3)
			default:
				put(0, 3)
			}
		}
		put(0, 1) // 256 zeros
		put(127, 7)
		put(0, 1)
		put(107, 7)
		put(3, 2) // the end: one bit
		put(1, 2) // no distance
		put(0, 1) // the end
	}
	if count > 0 {
		put(0, 8-count)
	}
	return b
}

func BenchmarkWorstBlocks(b *testing.B) {
	data := worstBlocks(1 << 16)
	b.Run("ours", func(b *testing.B) {
		b.SetBytes(int64(len(data)))
		z := new(inflater)
		for b.Loop() {
			if !z.inflate(newBufio(data), func([]byte) bool { return true }) {
				b.Fatal("it fails")
			}
		}
	})
	b.Run("flate", func(b *testing.B) {
		b.SetBytes(int64(len(data)))
		for b.Loop() {
			if n, err := flate.NewReader(newBufio(data)).Read(make([]byte, 1)); n != 0 || err == nil || err.Error() != "EOF" {
				b.Fatal(n, err)
			}
		}
	})
}

func newBufio(data []byte) *bufio.Reader {
	return bufio.NewReaderSize(bytes.NewReader(data), followBlock)
}
