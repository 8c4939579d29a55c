package cache

import (
	"math"
	"testing"
)

// A file system without an end is as large as can be said.
func TestBytesIn(t *testing.T) {
	for _, test := range []struct {
		blocks, size uint64
		want         int64
	}{
		{0, 4096, 0},
		{3, 4096, 12288},
		{7, 0, 0},
		{math.MaxInt64, 1, math.MaxInt64},
		{math.MaxInt64/4096 + 1, 4096, math.MaxInt64},
		{math.MaxUint64, math.MaxUint64, math.MaxInt64},
	} {
		if got := bytesIn(test.blocks, test.size); got != test.want {
			t.Errorf("%d blocks of %d are %d bytes, want %d", test.blocks, test.size, got, test.want)
		}
	}
}
