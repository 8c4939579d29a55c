package verify_test

import (
	archive "archive/zip"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/breakwater-go/breakwater/verify"
)

// BenchmarkHashZip compares with the go command's own function, which reads the
// zip from a file as well. MB/s are of what is inflated.
func BenchmarkHashZip(b *testing.B) {
	for _, bench := range []struct {
		name        string
		files, size int
	}{
		{"small", 3, 1 << 10},
		{"medium", 500, 6 << 10},
		{"large", 8, 8 << 20},
		{"tiny", 20_000, 40},
	} {
		b.Run(bench.name, func(b *testing.B) {
			name := writeZip(b, sources(bench.files, bench.size)...)
			total := int64(bench.files * bench.size)
			b.Run("ours", func(b *testing.B) { benchmarkHash(b, total, name, hashFile) })
			b.Run("dirhash", func(b *testing.B) { benchmarkHash(b, total, name, dirHash) })
		})
	}
}

func benchmarkHash(b *testing.B, size int64, name string, hash func(name string) (string, error)) {
	b.SetBytes(size)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := hash(name); err != nil {
			b.Fatal(err)
		}
	}
}

// hashFile is HashZip of a file, with the signature of dirHash.
func hashFile(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	return verify.HashZip(f, info.Size())
}

// sources returns n files of the given size that deflate like source code.
func sources(n, size int) []entry {
	text := sourceText(size)
	once := deflated(text)
	entries := make([]entry, n)
	for i := range entries {
		entries[i] = entry{name: fmt.Sprintf("a.example/m@v1.0.0/internal/d%03d/f%06d.go", i%100, i), content: text, deflated: once, lie: crcAfter}
	}
	return entries
}

// crcAfter has the CRC come after the content, as the go command does.
func crcAfter(h *archive.FileHeader) { h.Flags |= 0x8 }

// sourceText returns text of words, some of them frequent.
func sourceText(size int) string {
	random := rand.New(rand.NewPCG(1, 2))
	words := make([]string, 4000)
	for i := range words {
		for range 2 + i%9 {
			words[i] += string(rune('a' + random.IntN(26)))
		}
	}
	frequency := rand.NewZipf(random, 1.2, 4, uint64(len(words)-1))
	var b strings.Builder
	for b.Len() < size {
		b.WriteString(words[frequency.Uint64()])
		b.WriteByte(" \n\t"[random.IntN(3)])
	}
	return b.String()[:size]
}
