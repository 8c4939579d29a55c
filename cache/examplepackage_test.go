package cache_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"os"
	"strings"
	"time"

	"github.com/breakwater-go/breakwater/cache"
)

// Memory over a directory: what was stored once is found by the next process, too.
func Example() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	disk, err := cache.OpenDisk(dir, &cache.DiskOptions{
		Bounds: cache.Bounds{MaxBytes: 20 << 30, MaxAge: 90 * 24 * time.Hour},
	})
	if err != nil {
		log.Fatal(err)
	}
	store := cache.Layered(cache.NewMemory(nil), disk)
	defer cache.Close(store)

	ctx := context.Background()
	const key = "golang.org/x/mod/@v/v0.32.0.mod"
	if _, err := store.Get(ctx, key); errors.Is(err, fs.ErrNotExist) {
		fmt.Println("a miss")
	}

	goMod := "module golang.org/x/mod\n"
	if err := store.Put(ctx, key, cache.Content{Size: int64(len(goMod)), Body: strings.NewReader(goMod)}); err != nil {
		log.Fatal(err)
	}
	entry, err := store.Get(ctx, key)
	if err != nil {
		log.Fatal(err)
	}
	defer entry.Body.Close()
	content, err := io.ReadAll(entry.Body)
	fmt.Printf("from %s: %s%v\n", entry.Layer, content, err)
	// Output:
	// a miss
	// from memory: module golang.org/x/mod
	// <nil>
}
