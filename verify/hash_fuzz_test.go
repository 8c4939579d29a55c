package verify_test

import (
	archive "archive/zip"
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
