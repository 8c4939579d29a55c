package cache_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/breakwater-go/breakwater/cache"
)

// BenchmarkOpen opens stores of many entries, which must not take longer.
func BenchmarkOpen(b *testing.B) {
	for _, n := range []int{1_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			dir := b.TempDir()
			for i := range n {
				key := fmt.Sprintf("m%d/@v/v%d.mod", i/1000, i)
				for _, file := range []string{key, ".breakwater/records/" + key + ",json"} {
					name := filepath.Join(dir, file)
					if i%1000 == 0 {
						if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
							b.Fatal(err)
						}
					}
					if err := os.WriteFile(name, []byte("x"), 0o666); err != nil {
						b.Fatal(err)
					}
				}
			}
			for b.Loop() {
				d, err := cache.OpenDisk(dir, &cache.DiskOptions{Bounds: cache.Bounds{MaxFiles: 1 << 30}})
				if err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				d.Close()
				b.StartTimer()
			}
		})
	}
}
