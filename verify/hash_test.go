package verify_test

import (
	archive "archive/zip"
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/breakwater-go/breakwater/verify"
	"github.com/google/go-cmp/cmp"
)

// hashed is what came of hashing a zip.
type hashed struct {
	Hash   string
	Failed bool
}

func hashZip(content string) (hashed, error) {
	hash, err := verify.HashZip(strings.NewReader(content), int64(len(content)))
	return hashed{hash, err != nil}, err
}

// inPieces hashes a zip with n files of its directory in memory at a time.
func inPieces(content string, n int) hashed {
	hash, err := verify.HashZipInPieces(strings.NewReader(content), int64(len(content)), n)
	return hashed{hash, err != nil}
}

func TestHashZipIsTheGoCommands(t *testing.T) {
	f, g := entry{name: "a.example/m@v1.0.0/f.go", content: "package f\n"}, entry{name: "a.example/m@v1.0.0/g.go", content: "package g\n"}
	stored := entry{name: "s", content: "as it is", stored: true}
	tests := []struct{ name, zip string }{
		{"empty", zipOf(t)},
		{"one file", zipOf(t, f)},
		{"made by the go command", goodZip(t)},
		{"stored", zipOf(t, stored)},
		{"stored and deflated", zipOf(t, f, stored, g)},
		{"empty files", zipOf(t, entry{name: "b"}, entry{name: "a", stored: true})},
		{"without name", zipOf(t, entry{content: "x"})},
		{"directories", zipOf(t, entry{name: "d/"}, entry{name: "d/e/"}, entry{name: "d/e/f", content: "x"}, entry{name: "empty/"})},
		{"directory that claims compressed bytes", zipOf(t, entry{name: "d/", lie: func(h *archive.FileHeader) { h.CompressedSize64 = 2 }, stored: true}, f)},
		{"unsorted", zipOf(t, g, f, entry{name: "z"}, entry{name: "a"})},
		{"sorted as bytes are", zipOf(t, entry{name: "a/b"}, entry{name: "a-b"}, entry{name: "a"}, entry{name: "A"}, entry{name: "a.b"})},
		{"unicode names", zipOf(t, entry{name: "größe"}, entry{name: "模块/文件", content: "x"}, entry{name: "\U0001f980"})},
		{"names that are no UTF-8", zipOf(t, entry{name: "\xff\xfe"}, entry{name: "x\x00y"})},
		{"odd names", zipOf(t, entry{name: "../up"}, entry{name: "/abs"}, entry{name: `c:\x`}, entry{name: "two  spaces"})},
		{"same name twice", zipOf(t, entry{name: "a", content: "1"}, f, entry{name: "a", content: "2"})},
		{"same name thrice", zipOf(t, entry{name: "a", content: "1"}, entry{name: "a", content: "2"}, entry{name: "a", content: "3"}, g)},
		{"same names many times", zipOf(t, versions(300, "a", "b", "c", "d", "e")...)},
		{"sizes before the content", zipOf(t, entry{name: "a", content: "x", lie: func(*archive.FileHeader) {}})},
		{"no CRC given", zipOf(t, entry{name: "a", content: "x", lie: func(h *archive.FileHeader) { h.CRC32 = 0 }})},
		{"with extra fields", zipOf(t, entry{name: "a", content: "x", lie: func(h *archive.FileHeader) { h.Extra = []byte{1, 2, 3, 0, 7, 7, 7} }}, f)},
		{"large, that does not deflate", zipOf(t, entry{name: "a", content: noise(3 << 20)}, entry{name: "b", content: noise(1 << 20), stored: true}, f)},
		{"large, that deflates well", zipOf(t, entry{name: "a", content: strings.Repeat("\x00", 4<<20)}, entry{name: "b", content: sourceText(1 << 20)})},
		{"10,000 files", zipOf(t, sources(10_000, 100)...)},
		{"70,000 files, which takes a zip64 directory", zipOf(t, sources(70_000, 1)...)},
		{"after other content", "#!/bin/sh\nexit\n" + zipOf(t, f, g, stored)},
		{"with a comment", commented(t, zipOf(t, f, g, stored), "as you like")},
		{"with a comment that looks like an end", commented(t, zipOf(t, f, g, stored), strings.Repeat(zipOf(t), 6))},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			want, err := dirHashOf(t, test.zip)
			if err != nil {
				t.Fatalf("the go command refuses it: %v", err)
			}
			got, err := hashZip(test.zip)
			if diff := cmp.Diff(hashed{Hash: want}, got); diff != "" {
				t.Errorf("hash (-go +ours), error %v:\n%s", err, diff)
			}
			sizes := []int{1, 2, 3, 1000}
			if len(test.zip) > 1<<20 {
				sizes = sizes[3:] // the others would take long
			}
			for _, n := range sizes {
				if diff := cmp.Diff(hashed{Hash: want}, inPieces(test.zip, n)); diff != "" {
					t.Errorf("hash in pieces of %d (-go +ours):\n%s", n, diff)
				}
			}
		})
	}
}

// What the go command refuses is refused, whole or in pieces.
func TestHashZipRefusesWhatTheGoCommandRefuses(t *testing.T) {
	const text = "package f // with some text that is long enough to be deflated, deflated, deflated\n"
	whole := zipOf(t, entry{name: "f", content: text}, entry{name: "g", content: "package g\n"})
	lie := func(tell func(*archive.FileHeader)) string {
		return zipOf(t, entry{name: "a", content: "x"}, entry{name: "f", content: text, lie: tell}, entry{name: "z", content: "x"})
	}
	storedLie := func(tell func(*archive.FileHeader)) string {
		return zipOf(t, entry{name: "f", content: text, stored: true, lie: tell}, entry{name: "z", content: "x"})
	}
	damage := func(do func([]byte) []byte) string { return zipOf(t, entry{name: "f", content: text, damage: do}) }
	descriptor := strings.Index(whole, "PK\x07\x08")
	tests := []struct{ name, zip, text string }{
		{"nothing", "", "not a valid zip file"},
		{"page", "<!DOCTYPE html><title>Sign in</title>", "not a valid zip file"},
		{"truncated before the end", whole[:len(whole)-1], "not a valid zip file"},
		{"truncated by half", whole[:len(whole)/2], "not a valid zip file"},
		{"beginning missing", whole[40:], "EOF"},
		{"other bytes where an entry begins", strings.Replace(whole, "PK\x03\x04", "PK\x03\x05", 1), `"f": zip: not a valid zip file`},
		{"deflated bytes that are none", damage(func([]byte) []byte { return []byte("\xff\xff\xff\xff\xff") }), "flate: corrupt input"},
		{"deflated bytes, one changed", damage(func(b []byte) []byte { b[len(b)/2] ^= 1; return b }), `zip entry "f"`},
		{"deflated bytes missing", damage(func(b []byte) []byte { return b[:len(b)-3] }), "unexpected EOF"},
		{"deflated bytes all missing", damage(func([]byte) []byte { return nil }), "unexpected EOF"},
		{"wrong CRC", lie(func(h *archive.FileHeader) { h.CRC32++ }), "checksum error"},
		{"wrong CRC of what is stored", storedLie(func(h *archive.FileHeader) { h.CRC32++ }), "checksum error"},
		{"wrong CRC after the content", whole[:descriptor+4] + "abcd" + whole[descriptor+8:], "checksum error"},
		{"larger than declared", lie(func(h *archive.FileHeader) { h.UncompressedSize64-- }), "not a valid zip file"},
		{"larger than declared, stored", storedLie(func(h *archive.FileHeader) { h.UncompressedSize64-- }), "not a valid zip file"},
		{"declared to be empty", lie(func(h *archive.FileHeader) { h.UncompressedSize64 = 0 }), "not a valid zip file"},
		{"smaller than declared", lie(func(h *archive.FileHeader) { h.UncompressedSize64++ }), "unexpected EOF"},
		{"smaller than declared, stored", storedLie(func(h *archive.FileHeader) { h.UncompressedSize64++ }), "unexpected EOF"},
		{"compressed to less than declared", storedLie(func(h *archive.FileHeader) { h.CompressedSize64 = 1 << 20 }), `zip entry "f"`},
		{"compressed to more than declared", lie(func(h *archive.FileHeader) { h.CompressedSize64 /= 2 }), `zip entry "f"`},
		{"compressed to a byte more than declared", lie(func(h *archive.FileHeader) { h.CompressedSize64-- }), `zip entry "f"`},
		{"directory with content", patch(whole, centralSign, 0, centralName, '/'), "not a valid zip file"},
		{"directory that claims content", zipOf(t, entry{name: "d/", lie: func(h *archive.FileHeader) { h.UncompressedSize64 = 1 }, stored: true}), "not a valid zip file"},
		{"unknown method", lie(func(h *archive.FileHeader) { h.Method = 99 }), "unsupported compression algorithm"},
		{"newline in a name", zipOf(t, entry{name: "a\nb"}), "newline"},
		{"newline at the end of a name", zipOf(t, entry{name: "a"}, entry{name: "b\n"}, entry{name: "c"}), "newline"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if hash, err := dirHashOf(t, test.zip); err == nil {
				t.Fatalf("the go command accepts it: %s", hash)
			}
			got, err := hashZip(test.zip)
			if diff := cmp.Diff(hashed{Failed: true}, got); diff != "" {
				t.Fatalf("(-want +got):\n%s", diff)
			}
			if !strings.Contains(err.Error(), test.text) {
				t.Errorf("error is %q, want it to say %q", err, test.text)
			}
			for n := 1; n <= 2; n++ {
				if diff := cmp.Diff(hashed{Failed: true}, inPieces(test.zip, n)); diff != "" {
					t.Errorf("in pieces of %d (-want +got):\n%s", n, diff)
				}
			}
		})
	}
}

// An entry that is not there after unpacking must be in order all the same,
// although the go command does not look at it.
func TestHashZipRefusesDamageThatIsReplaced(t *testing.T) {
	content := zipOf(t, entry{name: "a", content: "x", lie: func(h *archive.FileHeader) { h.CRC32++ }}, entry{name: "a", content: "y"})
	if _, err := dirHashOf(t, content); err != nil {
		t.Fatal(err)
	}
	if _, err := hashZip(content); err == nil {
		t.Error("it is accepted")
	}
}

func TestHashMod(t *testing.T) {
	const goMod = "module a.example/m\n"
	want, err := dirHashOf(t, zipOf(t, entry{name: "go.mod", content: goMod}))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := verify.HashMod(strings.NewReader(goMod)); got != want || err != nil {
		t.Errorf("hash is %s, error %v; want %s", got, err, want)
	}
}

// versions returns n entries with a few names, in no order, that all differ.
func versions(n int, names ...string) []entry {
	entries := make([]entry, n)
	for i := range entries {
		entries[i] = entry{name: names[i*i%97%len(names)], content: fmt.Sprint(i)}
	}
	return entries
}

// commented adds a comment to a zip that has none.
func commented(t *testing.T, zip, comment string) string {
	t.Helper()
	var b bytes.Buffer
	b.WriteString(zip[:len(zip)-2])
	fmt.Fprintf(&b, "%c%c%s", byte(len(comment)), byte(len(comment)>>8), comment)
	return b.String()
}

// noise returns bytes that cannot be deflated.
func noise(size int) string {
	random := rand.NewChaCha8([32]byte{1})
	b := make([]byte, size)
	random.Read(b)
	return string(b)
}
