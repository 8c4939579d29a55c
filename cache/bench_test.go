package cache_test

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/breakwater-go/breakwater/cache"
)

// BenchmarkGet gets an entry of the size of a go.mod and reads it, beside what
// the file costs without a store.
func BenchmarkGet(b *testing.B) {
	content := strings.Repeat("require example.com/m v1.0.0\n", 70)
	dir := b.TempDir()
	disk := openDisk(b, dir)
	put(b, disk, modKey, content)
	memory := cache.NewMemory(nil)
	put(b, memory, modKey, content)
	layered := cache.Layered(memory, disk)

	for _, bench := range []struct {
		name  string
		store cache.Store
	}{{"memory", memory}, {"memory over disk", layered}, {"disk", disk}} {
		b.Run(bench.name, func(b *testing.B) { benchmarkGet(b, bench.store, len(content)) })
	}
	b.Run("os.ReadFile", func(b *testing.B) {
		file := filepath.Join(dir, filepath.FromSlash(modKey))
		b.ReportAllocs()
		b.SetBytes(int64(len(content)))
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if _, err := os.ReadFile(file); err != nil {
					b.Error(err)
					return
				}
			}
		})
	})
}

func benchmarkGet(b *testing.B, s cache.Store, size int) {
	b.ReportAllocs()
	b.SetBytes(int64(size))
	b.RunParallel(func(pb *testing.PB) {
		buf := make([]byte, size)
		for pb.Next() {
			e, err := s.Get(b.Context(), modKey)
			if err != nil {
				b.Error(err)
				return
			}
			_, err = io.ReadFull(e.Body, buf)
			e.Body.Close()
			if err != nil {
				b.Error(err)
				return
			}
		}
	})
}

// BenchmarkCommit stores a download of 1 MiB: what the spool writes, renamed.
func BenchmarkCommit(b *testing.B) {
	disk := openDisk(b, b.TempDir())
	content := strings.Repeat("0123456789abcdef", 64<<10)
	b.ReportAllocs()
	b.SetBytes(int64(len(content)))
	for b.Loop() {
		spool := disk.NewSpool(0)
		if _, err := io.WriteString(spool, content); err != nil {
			b.Fatal(err)
		}
		if err := spool.Finish(); err != nil {
			b.Fatal(err)
		}
		if err := cache.Commit(b.Context(), disk, modKey, spool, cache.Meta{}); err != nil {
			b.Fatal(err)
		}
		spool.Close()
	}
}

// BenchmarkLock takes a lock that nobody else wants, of another key each time, beside
// the way of where bytes cannot be locked; and while this process holds a thousand.
func BenchmarkLock(b *testing.B) {
	for _, bench := range []struct {
		name string
		held int
		way  func(*cache.Disk)
	}{
		{"as the system can", 0, func(*cache.Disk) {}},
		{"beside 1000", 1000, func(*cache.Disk) {}},
		{"by files", 0, (*cache.Disk).LockByFiles},
	} {
		b.Run(bench.name, func(b *testing.B) {
			disk := openDisk(b, b.TempDir())
			bench.way(disk)
			lock := func(key string) (unlock func()) {
				unlock, err := disk.Lock(b.Context(), key)
				if err != nil {
					b.Fatal(err)
				}
				return unlock
			}
			for i := range bench.held {
				defer lock(fmt.Sprint("held", i))()
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				lock(fmt.Sprint("free", i))()
			}
		})
	}
}

// BenchmarkHold looks up what is in memory from all cores at once: one entry that all
// want, and many.
func BenchmarkHold(b *testing.B) {
	memory := cache.NewMemory(nil)
	var keys []string
	for i := range 1000 {
		keys = append(keys, fmt.Sprintf("example.com/module%d/@v/v1.0.0.mod", i))
		put(b, memory, keys[i], "module example.com/m\n")
	}
	for _, wanted := range []int{1, len(keys)} {
		b.Run(strconv.Itoa(wanted), func(b *testing.B) {
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for i := 0; pb.Next(); i++ {
					if cache.Hold(memory, keys[i%wanted]) == nil {
						b.Error("it is gone")
						return
					}
				}
			})
		})
	}
}
