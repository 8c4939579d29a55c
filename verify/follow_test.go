package verify_test

import (
	archive "archive/zip"
	"errors"
	"strings"
	"testing"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/verify"
	"github.com/google/go-cmp/cmp"
)

// outcome is what came of hashing a zip. A hash that is the same is not enough: who
// is told what is wrong shall be told the same.
type outcome struct{ Hash, Err string }

func outcomeOf(hash string, err error) outcome {
	if err != nil {
		return outcome{hash, err.Error()}
	}
	return outcome{Hash: hash}
}

// followed hashes a zip that arrives in pieces of that size.
func followed(t testing.TB, content string, piece int, memory int64, late bool) (outcome, int) {
	t.Helper()
	spool := cache.NewSpool(memory, t.TempDir())
	defer spool.Close()
	hash, known, err := verify.HashFollowed(t.Context(), spool, late, func() {
		for rest := content; rest != ""; rest = rest[min(piece, len(rest)):] {
			if _, err := spool.Write([]byte(rest[:min(piece, len(rest))])); err != nil {
				t.Fatal(err)
			}
		}
		if err := spool.Finish(); err != nil {
			t.Fatal(err)
		}
	})
	return outcomeOf(hash, err), known
}

// Fields of headers, by where they are.
const (
	localFlags, localMethod, localCRC, localCompressed, localInflated, localName                                = 6, 8, 14, 18, 22, 30
	centralFlags, centralMethod, centralCRC, centralCompressed, centralInflated, centralLocalStart, centralName = 8, 10, 16, 20, 24, 42, 46
)

const localSign, centralSign, descriptorSign = "PK\x03\x04", "PK\x01\x02", "PK\x07\x08"

// patch puts bytes into the header with that signature, the nth from 0 on.
func patch(zip, sign string, nth, field int, bytes ...byte) string {
	at := -1
	for range nth + 1 {
		at += 1 + strings.Index(zip[at+1:], sign)
	}
	return zip[:at+field] + string(bytes) + zip[at+field+len(bytes):]
}

// field returns four bytes of a header.
func field(zip, sign string, nth, field int) []byte {
	at := -1
	for range nth + 1 {
		at += 1 + strings.Index(zip[at+1:], sign)
	}
	return []byte(zip[at+field : at+field+4])
}

func little(n int) []byte { return []byte{byte(n), byte(n >> 8), byte(n >> 16), byte(n >> 24)} }

// Whatever the zip, the outcome is that of hashing it when it is here, to the word.
// What is known is used only where the directory means the same.
func TestFollow(t *testing.T) {
	a, b, c := entry{name: "a", content: sourceText(5000)}, entry{name: "b", content: "bbbbbbbbbbbbbbb"}, entry{name: "c", content: sourceText(300)}
	abc := zipOf(t, a, b, c)
	plain := func(*archive.FileHeader) {}
	stored := zipOf(t, a, entry{name: "s", content: "as it is", stored: true, lie: plain}, c)
	_, zeros := zerosDeflated(4)
	bomb := entry{name: "bomb", deflated: zeros, lie: func(h *archive.FileHeader) { h.UncompressedSize64 = 10; h.Flags |= 8 }}
	second := strings.Index(abc[1:], localSign) + 1
	tests := []struct {
		name, zip string
		known     int // entries on the way, whether or not they are asked for
	}{
		{"good", abc, 3},
		{"made by the go command", goodZip(t), 3},
		{"empty", zipOf(t), 0},
		{"nothing", "", 0},
		{"page", "<!DOCTYPE html><title>Sign in</title>", 0},
		{"truncated", abc[:len(abc)-30], 3},
		{"truncated in an entry", abc[:second+40], 1},
		{"stored, its size before it", stored, 3},
		{"stored, its size after it", zipOf(t, a, entry{name: "s", content: "as it is", stored: true}, c), 1},
		{"stored, its size before it and after it", patch(zipOf(t, a, entry{name: "s", content: "as it is", stored: true}, c), localSign, 1, localCompressed, 8), 3},
		{"stored and empty, its size after it", zipOf(t, a, entry{name: "s", stored: true}, c), 3},
		{"deflated, its size before it", zipOf(t, a, entry{name: "b", content: "x", lie: plain}, c), 3},
		{"directories", zipOf(t, entry{name: "d/"}, a, entry{name: "d/e/"}, b), 4},
		{"directory that claims content", patch(zipOf(t, entry{name: "d/"}, a), centralSign, 0, centralInflated, 1), 2},
		{"directory by its name at the end only", patch(abc, centralSign, 0, centralName, '/'), 3},
		{"same name twice", zipOf(t, a, b, entry{name: "a", content: "other"}), 3},
		{"no CRC in the directory", patch(abc, centralSign, 1, centralCRC, 0, 0, 0, 0), 3},
		{"no CRC in the directory, nor after the content", patch(patch(abc, centralSign, 1, centralCRC, 0, 0, 0, 0), centralSign, 1, centralFlags, 0), 3},
		{"other CRC in the directory", patch(abc, centralSign, 1, centralCRC, 1), 3},
		{"other CRC after the content", patch(abc, descriptorSign, 1, 4, 1), 1},
		{"other CRC in both", patch(patch(abc, descriptorSign, 1, 4, 1, 2, 3, 4), centralSign, 1, centralCRC, 1, 2, 3, 4), 1},
		{"other size after the content", patch(abc, descriptorSign, 1, 12, 1), 1},
		{"other compressed size after the content", patch(abc, descriptorSign, 1, 8, 1), 1},
		{"no signature after the content", patch(abc, descriptorSign, 1, 0, 'x'), 1},
		{"larger in the directory", patch(abc, centralSign, 0, centralInflated, little(5001)...), 3},
		{"smaller in the directory", patch(abc, centralSign, 0, centralInflated, little(4999)...), 3},
		{"compressed to more in the directory", patch(abc, centralSign, 1, centralCompressed, little(1+int(field(abc, centralSign, 1, centralCompressed)[0]))...), 3},
		{"compressed to less in the directory", patch(abc, centralSign, 1, centralCompressed, 1), 3},
		{"compressed to nothing in the directory", patch(abc, centralSign, 1, centralCompressed, 0), 3},
		{"stored in the directory", patch(abc, centralSign, 1, centralMethod, 0), 3},
		{"deflated in the directory", patch(stored, centralSign, 1, centralMethod, 8), 3},
		{"stored, with its CRC after it in the directory", patch(stored, centralSign, 1, centralFlags, 8), 3},
		{"deflated, with its CRC after it in the directory", patch(zipOf(t, a, entry{name: "b", content: "x", lie: plain}, c), centralSign, 1, centralFlags, 8), 3},
		{"unknown method in the directory", patch(abc, centralSign, 1, centralMethod, 99), 3},
		{"encrypted in the directory", patch(abc, centralSign, 1, centralFlags, 9), 3},
		{"encrypted", patch(abc, localSign, 1, localFlags, 9), 3},
		{"other name before the content", patch(abc, localSign, 1, localName, '/'), 3},
		{"unknown method before the content", patch(abc, localSign, 1, localMethod, 99), 1},
		{"stored before the content", patch(abc, localSign, 1, localMethod, 0), 1},
		{"size before the content that is not one", patch(patch(abc, localSign, 1, localFlags, 0), localSign, 1, localInflated, 99), 1},
		{"stored before the content, all that comes", patch(patch(patch(abc, localSign, 1, localMethod, 0), localSign, 1, localFlags, 0), localSign, 1, localCompressed, little(len(abc)-second-31)...), 2},
		{"zip64 size before the content", patch(stored, localSign, 1, localCompressed, 0xff, 0xff, 0xff, 0xff), 1},
		{"zip64", asZip64(abc), 3},
		{"one entry for two names", patch(abc, centralSign, 1, centralLocalStart, 0, 0, 0, 0), 3},
		{"one entry for two names, alike", patch(zipOf(t, b, b), centralSign, 1, centralLocalStart, 0, 0, 0, 0), 2},
		{"entry in another", zipOf(t, entry{name: "in", content: abc, stored: true, lie: plain}, a), 2},
		{"entry in another, for the directory", patch(zipOf(t, entry{name: "in", content: abc, stored: true, lie: plain}, a), centralSign, 3, centralLocalStart, little(32)...), 2},
		{"entry that is nowhere", patch(abc, centralSign, 1, centralLocalStart, little(1<<30)...), 3},
		{"entry in the middle of its data", patch(abc, centralSign, 1, centralLocalStart, little(40)...), 3},
		{"after other content", "#!/bin/sh\nexit\n" + abc, 0},
		{"content between entries", abc[:second] + "between" + abc[second:], 1},
		{"with a comment", commented(t, abc, "as you like"), 3},
		{"deflated bytes that are none", zipOf(t, a, entry{name: "b", damage: func([]byte) []byte { return []byte("\xff\xff\xff") }}, c), 1},
		{"bytes after the deflated ones", zipOf(t, a, entry{name: "b", content: "x", damage: func(b []byte) []byte { return append(b, "more"...) }}, c), 1},
		{"deflated bytes missing", zipOf(t, a, entry{name: "b", content: "x", damage: func(b []byte) []byte { return b[:1] }}, c), 1},
		{"bomb", zipOf(t, a, bomb, c), 1},
		{"newline in a name", zipOf(t, a, entry{name: "b\n"}), 2},
		{"too much declared", zipOf(t, a, declaring("x", 1<<40, 1<<40)), 1},
		{"empty files", zipOf(t, entry{name: "b"}, entry{name: "a", stored: true, lie: plain}), 2},
		{"extra fields", zipOf(t, entry{name: "a", content: "x", lie: func(h *archive.FileHeader) { h.Extra, h.Flags = []byte{1, 2, 3, 0, 7, 7, 7}, 8 }}, b), 2},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			want := outcomeOf(verify.HashZip(strings.NewReader(test.zip), int64(len(test.zip))))
			for _, piece := range []int{1, 17, 1 << 20} {
				for _, memory := range []int64{0, 1000, 1 << 20} {
					got, known := followed(t, test.zip, piece, memory, true)
					if diff := cmp.Diff(want, got); diff != "" || known != test.known {
						t.Errorf("in pieces of %d, %d in memory: %d known, want %d (-at the end +on the way):\n%s", piece, memory, known, test.known, diff)
					}
				}
				if got, _ := followed(t, test.zip, piece, 0, false); got != want {
					t.Errorf("in pieces of %d: %v, want %v", piece, got, want)
				}
			}
		})
	}
}

// No more is inflated on the way than a module may hold, and no more entries are
// remembered than what memory is set aside for.
func TestFollowLimits(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a second")
	}
	zeros, short := zerosDeflated(64)
	var bombs []entry
	for range 8 { // 512 MiB
		bombs = append(bombs, entry{name: "x", content: zeros, deflated: short, lie: crcAfter})
	}
	tiny := sources(1<<17+1, 1)
	for name, test := range map[string]struct {
		zip   string
		known int
	}{
		"bombs":        {zipOf(t, bombs...), 7},
		"many entries": {zipOf(t, tiny...), 1 << 17},
	} {
		t.Run(name, func(t *testing.T) {
			want := outcomeOf(verify.HashZip(strings.NewReader(test.zip), int64(len(test.zip))))
			if got, known := followed(t, test.zip, 1<<20, 0, true); got != want || known != test.known {
				t.Errorf("%v with %d known, want %v with %d", got, known, want, test.known)
			}
		})
	}
}

// A spool that fails, or that nobody goes on with, ends the work on the way.
func TestFollowEnds(t *testing.T) {
	content := zipOf(t, sources(50, 4000)...)
	for name, end := range map[string]func(*cache.Spool){
		"failed": func(s *cache.Spool) { s.Fail(errors.New("broke off")) },
		"closed": func(s *cache.Spool) { s.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			spool := cache.NewSpool(0, dir)
			_, known, err := verify.HashFollowed(t.Context(), spool, true, func() {
				spool.Write([]byte(content[:len(content)/2]))
				end(spool)
			})
			spool.Close()
			if known == 0 || err == nil {
				t.Errorf("%d known, error %v", known, err)
			}
			wantFiles(t, dir, 0)
		})
	}
}

// However the zip arrives, the hash is that of the finished file.
func FuzzFollow(f *testing.F) {
	a, b := entry{name: "a", content: "aaaaaaaaaaaaaaaa"}, entry{name: "b/", stored: true}
	plain := func(*archive.FileHeader) {}
	for i, seed := range []string{
		"", zipOf(f), zipOf(f, a), zipOf(f, a, b), zipOf(f, b, a, a), zipOf(f, entry{name: "s", content: "x", stored: true}, a, b),
		zipOf(f, entry{name: "l", content: "xyz", lie: plain}, entry{name: "n\n"}), "x" + zipOf(f, a, b, a) + "x",
		zipOf(f, entry{name: "l", content: "xyz", lie: func(h *archive.FileHeader) { h.CRC32, h.Extra = 0, []byte{1, 0, 0, 0} }}, a),
		zipOf(f, entry{name: "s", content: zipOf(f, a), stored: true, lie: plain}, a),
		zipOf(f, declaring("x", 1<<40, 1<<40), a), asZip64(zipOf(f, a, b)), goodZip(f), rawZip(f, "a", "b/"), headerZip(f, claiming("x", 100)),
	} {
		f.Add([]byte(seed), uint16(1+i*7))
	}
	f.Fuzz(func(t *testing.T, data []byte, piece uint16) {
		content := string(data)
		alone := false // one goroutine: of several, any may be the first with its error
		if r, err := archive.NewReader(strings.NewReader(content), int64(len(content))); err == nil {
			work, _ := describe(r)
			if work > 4<<20 {
				return // too slow
			}
			alone = work < 48<<10 && len(r.File) < 16
		}
		want := outcomeOf(verify.HashZip(strings.NewReader(content), int64(len(content))))
		for _, late := range []bool{true, false} {
			got, known := followed(t, content, 1+int(piece), 0, late)
			if !alone && got.Err != "" && want.Err != "" {
				got.Err = want.Err
			}
			if got != want {
				t.Errorf("%v with %d known (late: %t), want %v", got, known, late, want)
			}
		}
	})
}
