package cache_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"strings"
	"time"

	"github.com/breakwater-go/breakwater/cache"
)

// brokenShare is a store whose network file system is gone.
type brokenShare struct{ cache.Store }

func (brokenShare) Get(context.Context, string) (*cache.Entry, error) {
	return nil, errors.New("stale file handle")
}

// A share that fails is a miss, and after two failures is left alone for a minute.
func ExampleGate() {
	share := cache.Gate(brokenShare{cache.NewMemory(nil)}, &cache.GateOptions{Failures: 2, Pause: time.Minute})
	defer cache.Close(share)

	for range 3 {
		_, err := share.Get(context.Background(), "golang.org/x/mod/@v/list")
		fmt.Println(errors.Is(err, cache.ErrGated), err)
	}
	// Output:
	// false golang.org/x/mod/@v/list: not in the cache: stale file handle
	// false golang.org/x/mod/@v/list: not in the cache: stale file handle
	// true golang.org/x/mod/@v/list: not in the cache: the store is left alone for a while, for it has been failing or slow
}

// Storing returns at once; what waits to be written is found all the same.
func ExampleWriteBack() {
	ctx := context.Background()
	slow := cache.NewMemory(nil) // for you: the tier that all machines share
	store := cache.WriteBack(slow, &cache.WriteBackOptions{
		OnError: func(key string, err error) { log.Printf("%s is not stored: %v", key, err) },
	})
	defer cache.Close(store)

	const key = "golang.org/x/mod/@v/v0.32.0.mod"
	goMod := "module golang.org/x/mod\n"
	if err := store.Put(ctx, key, cache.Content{Size: int64(len(goMod)), Body: strings.NewReader(goMod)}); err != nil {
		log.Fatal(err)
	}
	if err := cache.Flush(ctx, store); err != nil { // Close does so, too
		log.Fatal(err)
	}
	entry, err := slow.Get(ctx, key)
	if err != nil {
		log.Fatal(err)
	}
	defer entry.Body.Close()
	fmt.Println(entry.Size, "bytes are written")
	// Output: 24 bytes are written
}

// An image brings modules along in a directory that cannot be written; what is new is
// kept in memory.
func ExampleOpenReadOnly() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	const key = "golang.org/x/mod/@v/v0.32.0.mod"
	goMod := "module golang.org/x/mod\n"
	image, err := cache.OpenDisk(dir, nil) // when the image is built
	if err != nil {
		log.Fatal(err)
	}
	if err := image.Put(ctx, key, cache.Content{Size: int64(len(goMod)), Body: strings.NewReader(goMod)}); err != nil {
		log.Fatal(err)
	}
	image.Close()

	brought, err := cache.OpenReadOnly(dir)
	if err != nil {
		log.Fatal(err)
	}
	store := cache.Layered(cache.NewMemory(nil), brought)
	defer cache.Close(store)
	entry, err := store.Get(ctx, key)
	if err != nil {
		log.Fatal(err)
	}
	defer entry.Body.Close()
	content, err := io.ReadAll(entry.Body)
	fmt.Printf("from %s: %s%v\n", entry.Layer, content, err)

	err = brought.Put(ctx, key, cache.Content{Size: int64(len(goMod)), Body: strings.NewReader(goMod)})
	fmt.Println(errors.Is(err, cache.ErrReadOnly))
	// Output:
	// from disk: module golang.org/x/mod
	// <nil>
	// true
}

// A download is written once and hashed on the way. Readers may follow it as it grows.
func ExampleSpool() {
	spool := cache.NewSpool(1 << 20) // up to 1 MiB in memory, then in a temporary file
	defer spool.Close()

	follower := spool.Reader(context.Background())
	defer follower.Close()
	followed := make(chan string)
	go func() {
		content, err := io.ReadAll(follower)
		followed <- fmt.Sprint(string(content), " ", err)
	}()

	for _, piece := range []string{"module ", "golang.org/x/mod"} {
		if _, err := io.WriteString(spool, piece); err != nil {
			log.Fatal(err)
		}
	}
	if err := spool.Finish(); err != nil {
		log.Fatal(err)
	}
	fmt.Println(<-followed)
	fmt.Println(spool.Size(), "bytes")
	// Output:
	// module golang.org/x/mod <nil>
	// 23 bytes
}
