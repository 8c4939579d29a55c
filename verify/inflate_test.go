package verify_test

import (
	"bufio"
	"bytes"
	"compress/flate"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/breakwater-go/breakwater/verify"
)

// deflatedAt deflates at a level, or what else flate.NewWriter takes.
func deflatedAt(t testing.TB, content string, level int) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, level)
	if err != nil {
		t.Fatal(err)
	}
	for rest := content; rest != ""; rest = rest[min(len(rest), 100_000):] {
		io.WriteString(w, rest[:min(len(rest), 100_000)])
		if len(rest)%2 == 1 {
			w.Flush()
		}
	}
	w.Close()
	return b.Bytes()
}

// Whatever compress/flate makes is inflated, from a reader of any kind, and nothing
// behind it is read.
func TestInflate(t *testing.T) {
	for name, content := range map[string]string{
		"empty": "", "byte": "x", "short": "hello, hello, hello", "source": sourceText(300_000), "noise": noise(200_000),
		"zeros": strings.Repeat("\x00", 500_000), "period": strings.Repeat("abcdefghi", 50_000), "both": noise(70_000) + sourceText(70_000) + noise(40_000),
		"far": strings.Repeat(noise(32<<10), 5), "window": sourceText(96 << 10), "binary": strings.Repeat("\x00\x01\x00\x00\x02\xff", 9000) + noise(5000),
	} {
		for _, level := range []int{flate.HuffmanOnly, flate.NoCompression, 1, 3, 6, 9} {
			data := deflatedAt(t, content, level)
			for kind, r := range map[string]io.Reader{
				"whole": bytes.NewReader(data), "bytes": iotest.OneByteReader(bytes.NewReader(data)), "errors": iotest.DataErrReader(bytes.NewReader(data)),
			} {
				var out bytes.Buffer
				left, ok := verify.Inflate(io.MultiReader(r, strings.NewReader("behind")), 4096, &out)
				if !ok || out.String() != content || left != 6 {
					t.Errorf("%s at level %d, %s: %t, %d bytes of %d, %d left", name, level, kind, ok, out.Len(), len(content), left)
				}
			}
			for _, n := range []int{0, 1, len(data) / 2, len(data) - 1} {
				if _, ok := verify.Inflate(bytes.NewReader(data[:n]), 4096, io.Discard); ok && n < len(data) {
					t.Errorf("%s at level %d: %d bytes of %d are enough", name, level, n, len(data))
				}
			}
		}
	}
}

// bitField is a value and in how many bits it is, the lowest first.
type bitField struct{ value, n int }

func bitsOf(fields ...bitField) []byte {
	var b []byte
	count := 0
	for _, f := range fields {
		for i := range f.n {
			if count%8 == 0 {
				b = append(b, 0)
			}
			b[count/8] |= byte(f.value>>i&1) << (count % 8)
			count++
		}
	}
	return b
}

// codesOf is the begin of the last block with codes of its own: so many for literals
// and distances, and these lengths for the codes of the lengths 18, 0 and 1.
func codesOf(lits, dists, len18, len0, len1 int, then ...bitField) []byte {
	fields := []bitField{{1, 1}, {2, 2}, {lits - 257, 5}, {dists - 1, 5}, {14, 4}, {0, 6}, {len18, 3}, {len0, 3}, {0, 13 * 3}, {len1, 3}}
	return bitsOf(append(fields, then...)...)
}

// twoBits is the begin of the last block with codes of its own, the lengths of which
// are in codes of two bits: 0 is 00, 1 is 01, fourth is 10 and 18 is 11.
func twoBits(lits, fourth int, then ...bitField) []byte {
	fields := []bitField{{1, 1}, {2, 2}, {lits - 257, 5}, {0, 5}, {15, 4}}
	for _, symbol := range []int{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15} {
		if symbol == 0 || symbol == 1 || symbol == fourth || symbol == 18 {
			fields = append(fields, bitField{2, 3})
		} else {
			fields = append(fields, bitField{0, 3})
		}
	}
	return bitsOf(append(fields, then...)...)
}

// streams are by what is special about them. Those of hand-made codes have 18 as 0, 0
// as 10 and 1 as 11.
func streams() map[string]struct {
	data []byte
	ok   bool
} {
	aOrEnd := []bitField{{0, 1}, {86, 7}, {3, 2}, {0, 1}, {127, 7}, {0, 1}, {9, 7}, {3, 2}} // of one bit each
	twice := append(aOrEnd, bitField{1, 2}, bitField{0, 2}, bitField{1, 1})
	oneDistance := []bitField{{3, 2}, {86, 7}, {1, 2}, {3, 2}, {127, 7}, {3, 2}, {9, 7}, {1, 2}, {2, 2}, {2, 2}}
	far := []bitField{{1, 1}, {1, 2}, {0x89, 8}}
	for range 200 {
		far = append(far, bitField{0xa3, 8}, bitField{0, 5})
	}
	endless := append(aOrEnd, bitField{1, 2})
	return map[string]struct {
		data []byte
		ok   bool
	}{
		"codes":                       {codesOf(257, 1, 1, 2, 2, twice...), true},
		"codes, and no end":           {codesOf(257, 1, 1, 2, 2, endless...), false},
		"codes, and no codes":         {codesOf(257, 1, 1, 2, 2), false},
		"codes that are too many":     {codesOf(257, 1, 1, 1, 1, twice...), false},
		"codes that are too few":      {codesOf(257, 1, 2, 2, 2, twice...), false},
		"too many literals":           {codesOf(287, 1, 1, 2, 2, append(aOrEnd, bitField{0, 1}, bitField{30 - 11, 7}, bitField{1, 2}, bitField{1, 1})...), false},
		"all literals":                {codesOf(286, 1, 1, 2, 2, append(aOrEnd, bitField{0, 1}, bitField{29 - 11, 7}, bitField{1, 2}, bitField{1, 1})...), true},
		"too many distances":          {codesOf(257, 31, 1, 2, 2, append(aOrEnd, bitField{0, 1}, bitField{31 - 11, 7}, bitField{1, 1})...), false},
		"all distances":               {codesOf(257, 30, 1, 2, 2, append(aOrEnd, bitField{0, 1}, bitField{30 - 11, 7}, bitField{1, 1})...), true},
		"too many lengths":            {codesOf(257, 1, 1, 2, 2, append(aOrEnd, bitField{0, 1}, bitField{0, 7}, bitField{1, 1})...), false},
		"an end only":                 {twoBits(257, 2, bitField{3, 2}, bitField{127, 7}, bitField{3, 2}, bitField{107, 7}, bitField{2, 2}, bitField{0, 2}, bitField{0, 1}), true},
		"an end only, and another":    {twoBits(257, 2, bitField{3, 2}, bitField{127, 7}, bitField{3, 2}, bitField{107, 7}, bitField{2, 2}, bitField{0, 2}, bitField{1, 1}), false},
		"an end only, of two bits":    {twoBits(257, 2, bitField{3, 2}, bitField{127, 7}, bitField{3, 2}, bitField{107, 7}, bitField{1, 2}, bitField{0, 2}, bitField{0, 9}), false},
		"three codes of one bit":      {twoBits(257, 2, bitField{3, 2}, bitField{86, 7}, bitField{2, 2}, bitField{2, 2}, bitField{3, 2}, bitField{127, 7}, bitField{3, 2}, bitField{8, 7}, bitField{2, 2}, bitField{0, 2}, bitField{0, 9}), false},
		"one distance":                {twoBits(258, 2, append(oneDistance, bitField{1, 2}, bitField{0, 1}, bitField{0, 1}, bitField{3, 2})...), true},
		"one distance, and another":   {twoBits(258, 2, append(oneDistance, bitField{1, 2}, bitField{0, 1}, bitField{1, 1}, bitField{3, 2})...), false},
		"repeating what is not there": {twoBits(257, 16, bitField{1, 2}, bitField{0, 2}, bitField{3, 2}, bitField{83, 7}, bitField{2, 2}, bitField{3, 2}, bitField{127, 7}, bitField{3, 2}, bitField{9, 7}, bitField{2, 2}, bitField{0, 2}, bitField{0, 1}, bitField{1, 1}), false},
		"fixed and empty":             {[]byte{3, 0}, true},
		"fixed and empty, truncated":  {[]byte{3}, false},
		"fixed, matching":             {bitsOf(bitField{1, 1}, bitField{1, 2}, bitField{0x89, 8}, bitField{0x40, 7}, bitField{0, 5}, bitField{0, 7}), true},
		"fixed, matching too far":     {bitsOf(bitField{1, 1}, bitField{1, 2}, bitField{0x89, 8}, bitField{0x40, 7}, bitField{0x10, 5}, bitField{0, 7}), false},
		"fixed, no such length":       {bitsOf(bitField{1, 1}, bitField{1, 2}, bitField{0x89, 8}, bitField{0x63, 8}, bitField{0, 32}), false},
		"fixed, no such distance":     {bitsOf(bitField{1, 1}, bitField{1, 2}, bitField{0x89, 8}, bitField{0x40, 7}, bitField{0x0f, 5}, bitField{0, 32}), false},
		"fixed, as far as may be":     {bitsOf(append(far, bitField{0x40, 7}, bitField{0x17, 5}, bitField{1<<13 - 1, 13}, bitField{0, 7})...), true},
		"fixed, farther than may be":  {bitsOf(append(far, bitField{0x40, 7}, bitField{0x0f, 5}, bitField{0, 14}, bitField{0, 7})...), false},
		"no such block":               {[]byte{7, 0, 0, 0, 0, 0}, false},
		"stored":                      {[]byte("\x01\x02\x00\xfd\xffab"), true},
		"stored, other complement":    {[]byte("\x01\x02\x00\xfd\xfeab"), false},
		"stored, truncated":           {[]byte("\x01\x02\x00\xfd\xffa"), false},
		"stored, length truncated":    {[]byte("\x01\x02\x00\xfd"), false},
		"nothing":                     {nil, false},
		"stored after fixed":          {append(bitsOf(bitField{0, 1}, bitField{1, 2}, bitField{0x89, 8}, bitField{0, 7}, bitField{1, 1}, bitField{0, 2}), "\x02\x00\xfd\xffab"...), true},
		"stored after fixed, no more": {bitsOf(bitField{0, 1}, bitField{1, 2}, bitField{0x89, 8}, bitField{0, 7}, bitField{1, 1}, bitField{0, 2}), false},
	}
}

func TestInflateForms(t *testing.T) {
	for name, stream := range streams() {
		t.Run(name, func(t *testing.T) {
			for _, behind := range []string{"", "b", "behind", strings.Repeat("behind", 100)} {
				if behind == "" || stream.ok {
					if ok := inflatesAlike(t, append(stream.data, behind...), 16); ok != stream.ok {
						t.Errorf("inflated: %t, want %t", ok, stream.ok)
					}
				}
			}
		})
	}
}

// inflatesAlike checks that data inflate as with compress/flate, and reports whether
// they do at all.
func inflatesAlike(t testing.TB, data []byte, block int) bool {
	t.Helper()
	in := bufio.NewReader(bytes.NewReader(data))
	want, err := io.ReadAll(io.LimitReader(flate.NewReader(in), 1<<20))
	if len(want) == 1<<20 {
		return false // more than it is worth
	}
	wantLeft, _ := io.Copy(io.Discard, in)
	var got bytes.Buffer
	left, ok := verify.Inflate(bytes.NewReader(data), block, &got)
	if ok != (err == nil) {
		t.Fatalf("inflated: %t, compress/flate: %v", ok, err)
	}
	if ok && (left != wantLeft || !bytes.Equal(got.Bytes(), want)) {
		t.Errorf("%d bytes, %d left; compress/flate has %d, %d left", got.Len(), left, len(want), wantLeft)
	}
	return ok
}

// What is accepted is what compress/flate accepts, of the same length, and inflates to
// the same.
func FuzzInflate(f *testing.F) {
	for _, content := range []string{"", "x", "hello, hello, hello", sourceText(3000), noise(300), strings.Repeat("ab", 40_000)} {
		for _, level := range []int{flate.HuffmanOnly, flate.NoCompression, 1, 6, 9} {
			f.Add(append(deflatedAt(f, content, level), "behind"...), uint16(16))
		}
	}
	for _, stream := range streams() {
		f.Add(stream.data, uint16(0))
	}
	f.Fuzz(func(t *testing.T, data []byte, block uint16) { inflatesAlike(t, data, int(block)) })
}

func BenchmarkInflate(b *testing.B) {
	content := sourceText(1 << 20)
	data := deflatedAt(b, content, 6)
	b.Run("ours", func(b *testing.B) {
		b.SetBytes(int64(len(content)))
		for b.Loop() {
			if _, ok := verify.Inflate(bytes.NewReader(data), 64<<10, io.Discard); !ok {
				b.Fatal("it fails")
			}
		}
	})
	b.Run("flate", func(b *testing.B) {
		b.SetBytes(int64(len(content)))
		for b.Loop() {
			if _, err := io.Copy(io.Discard, flate.NewReader(bufio.NewReaderSize(bytes.NewReader(data), 64<<10))); err != nil {
				b.Fatal(err)
			}
		}
	})
}
