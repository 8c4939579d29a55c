package verify_test

import (
	archive "archive/zip"
	"bytes"
	"compress/flate"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
)

// nearlyZip is a zip whose entries are streams that are nearly valid, and whose directory
// says of them what is nearly true.
func nearlyZip(t testing.TB, seed uint64) string {
	n := rand.New(rand.NewPCG(seed, 2))
	var entries []entry
	for i := range 1 + n.IntN(4) {
		data := nearlyDeflated(seed*8 + uint64(i))
		content, _ := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(data)), 1<<20))
		entries = append(entries, entry{
			name: string(rune('a' + i)), content: string(content), deflated: data,
			lie: func(h *archive.FileHeader) {
				if n.IntN(2) == 0 {
					h.Flags |= 8
				}
				switch n.IntN(20) {
				case 0:
					h.CRC32 = 0
				case 1:
					h.UncompressedSize64 += uint64(n.IntN(3)) - 1
				case 2:
					h.CompressedSize64 += uint64(n.IntN(3)) - 1
				case 3:
					h.Method = archive.Store
				}
			},
		})
	}
	zip := zipOf(t, entries...)
	if n.IntN(8) == 0 {
		b := []byte(zip)
		b[n.IntN(len(b))] ^= 1 << n.IntN(8)
		zip = string(b)
	}
	return zip
}

// Of zips that are nearly valid the hash is the go command's, at once and on the way, and
// there is one if and only if the go command has one.
func TestHashZipNearlyValid(t *testing.T) {
	zips, hashes := 1500, 0
	if testing.Short() {
		zips = 500
	}
	for seed := range uint64(zips) {
		zip := nearlyZip(t, seed)
		r, err := archive.NewReader(strings.NewReader(zip), int64(len(zip)))
		want, unusual := hashed{}, false
		if err == nil {
			_, unusual = describe(r)
			want.Hash, err = dirHashOfReader(r)
		}
		want.Failed = err != nil
		got, gotErr := hashZip(zip)
		if got != want && !(unusual && got.Failed) {
			t.Fatalf("seed %d: %v (%v), the go command's is %v (%v)", seed, got, gotErr, want, err)
		}
		way, _ := followed(t, zip, 1000, 1<<20, seed%2 == 0)
		if way.Hash != got.Hash || (way.Err != "") != got.Failed {
			t.Fatalf("seed %d: on the way %v, else %v", seed, way, got)
		}
		if !want.Failed {
			hashes++
		}
	}
	if t.Logf("%d of %d have a hash", hashes, zips); hashes < zips/20 {
		t.Error("too few to tell")
	}
}
