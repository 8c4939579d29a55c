package verify_test

import (
	archive "archive/zip"
	"fmt"
	"io"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/dirhash"
)

// Whatever the zip, whole or in pieces, the hash is the go command's, and there
// is one if and only if the go command has one. Zips beyond the limits, or with
// one name twice, may only be refused.
func FuzzHashZip(f *testing.F) {
	a, b := entry{name: "a", content: "aaaaaaaaaaaaaaaa"}, entry{name: "b/", stored: true}
	plain := func(*archive.FileHeader) {}
	for _, seed := range []string{
		"", zipOf(f), zipOf(f, a), zipOf(f, a, b), zipOf(f, b, a, a), zipOf(f, entry{name: "s", content: "x", stored: true}, a, b),
		zipOf(f, entry{name: "l", content: "xyz", lie: plain}, entry{name: "n\n"}), "x" + zipOf(f, a, b, a) + "x",
		zipOf(f, entry{name: "l", content: "xyz", lie: func(h *archive.FileHeader) { h.CRC32, h.Extra = 0, []byte{1, 0, 0, 0} }}, a),
		zipOf(f, declaring("x", 1<<40, 1<<40), a), asZip64(zipOf(f, a, b)), goodZip(f),
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		content := string(data)
		var want hashed
		unusual := false
		r, err := archive.NewReader(strings.NewReader(content), int64(len(content)))
		if err == nil {
			var work uint64
			if work, unusual = describe(r); work > 4<<20 {
				return // too slow
			}
			want.Hash, err = dirHashOfReader(r)
		}
		want.Failed = err != nil
		got, gotErr := hashZip(content)
		if got != want && !(unusual && got.Failed) {
			t.Errorf("hash is %v (%v), the go command's %v (%v)", got, gotErr, want, err)
		}
		for n := 1; n <= 3; n++ {
			if pieces := inPieces(content, n); pieces != want && !(unusual && pieces.Failed) {
				t.Errorf("hash in pieces of %d is %v, the go command's %v (%v)", n, pieces, want, err)
			}
		}
	})
}

// describe says how much work a zip is at most, and whether HashZip may refuse
// what the go command accepts.
func describe(r *archive.Reader) (work uint64, unusual bool) {
	names := make(map[string]bool)
	for _, f := range r.File {
		unusual = unusual || names[f.Name] || f.UncompressedSize64 > 1<<28 || f.CompressedSize64 > 1<<28
		names[f.Name] = true
		work += min(f.UncompressedSize64, 1<<28)
	}
	return work, unusual
}

// dirHashOfReader is dirhash.HashZip, which takes a file only.
func dirHashOfReader(r *archive.Reader) (string, error) {
	var names []string
	files := make(map[string]*archive.File)
	for _, f := range r.File {
		names = append(names, f.Name)
		files[f.Name] = f
	}
	return dirhash.Hash1(names, func(name string) (io.ReadCloser, error) { return files[name].Open() })
}

// asZip64 gives a zip without a comment the ends that one with more than 65,535
// files has.
func asZip64(zip string) string {
	size := len(zip) - 22
	end := zip[size:]
	records, length, offset := end[10:12], end[12:16], end[16:20]
	const pad2, pad4, pad6 = "\x00\x00", "\x00\x00\x00\x00", "\x00\x00\x00\x00\x00\x00"
	end64 := "PK\x06\x06\x2c" + pad6 + "\x00" + pad2 + pad2 + pad4 + pad4 + records + pad6 + records + pad6 + length + pad4 + offset + pad4
	locator := "PK\x06\x07" + pad4 + fmt.Sprintf("%c%c", byte(size), byte(size>>8)) + pad6 + "\x01\x00\x00\x00"
	return zip[:size] + end64 + locator + end[:8] + "\xff\xff\xff\xff" + "\xff\xff\xff\xff\xff\xff\xff\xff" + end[20:]
}
