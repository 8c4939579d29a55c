package cache_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"os"
	"path/filepath"
	"strings"

	"github.com/breakwater-go/breakwater/cache"
)

func ExampleNewMemory() {
	ctx := context.Background()
	store := cache.NewMemory(&cache.MemoryOptions{MaxBytes: 16 << 20})

	_, err := store.Get(ctx, "example.com/m/@v/list")
	fmt.Println(err, errors.Is(err, fs.ErrNotExist))

	list := "v1.0.0\nv1.1.0\n"
	err = store.Put(ctx, "example.com/m/@v/list", cache.Content{
		Meta: cache.Meta{Origin: "proxy.example"},
		Size: int64(len(list)),
		Body: strings.NewReader(list),
	})
	if err != nil {
		log.Fatal(err)
	}
	e, err := store.Get(ctx, "example.com/m/@v/list")
	if err != nil {
		log.Fatal(err)
	}
	defer e.Body.Close()
	fmt.Println(e.Size, "bytes from", e.Origin)
	io.Copy(os.Stdout, e.Body)
	// Output:
	// example.com/m/@v/list: not in the cache true
	// 14 bytes from proxy.example
	// v1.0.0
	// v1.1.0
}

func ExampleLayered() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "breakwater-example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	disk, err := cache.OpenDisk(dir, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer disk.Close()

	mod := "module example.com/m\n"
	content := cache.Content{Size: int64(len(mod)), Body: strings.NewReader(mod)}
	if err := disk.Put(ctx, "example.com/m/@v/v1.0.0.mod", content); err != nil {
		log.Fatal(err)
	}

	store := cache.Layered(cache.NewMemory(nil), disk)
	for range 2 {
		e, err := store.Get(ctx, "example.com/m/@v/v1.0.0.mod")
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println("from", e.Layer)
		e.Body.Close()
	}
	// Output:
	// from disk
	// from memory
}

func ExampleOpenDisk() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "breakwater-example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	store, err := cache.OpenDisk(dir, nil)
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()

	// The download is written once, beside the store. Readers could follow it.
	download := strings.NewReader("module example.com/m\n")
	spool := cache.SpoolFor(store, 1<<20)
	defer spool.Close()
	if _, err := io.Copy(spool, download); err != nil {
		log.Fatal(err)
	}
	if err := spool.Finish(); err != nil {
		log.Fatal(err)
	}
	digest, err := spool.Digest()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d bytes, SHA-256 %.8s...\n", spool.Size(), digest)

	// Once it is checked, it becomes an entry.
	key := "example.com/m/@v/v1.0.0.mod"
	if err := cache.Commit(ctx, store, key, spool, cache.Meta{Verified: "sumdb"}); err != nil {
		log.Fatal(err)
	}
	file, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(key)))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s", file)
	// Output:
	// 21 bytes, SHA-256 535ed2ad...
	// module example.com/m
}
