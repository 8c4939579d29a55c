package cache_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"sync"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/cache/cachetest"
)

// A bucket is a Store over an object store, which here is a map.
type bucket struct {
	mu      sync.Mutex
	objects map[string]object
}

type object struct {
	meta    cache.Meta
	content []byte
}

func (b *bucket) Get(_ context.Context, key string) (*cache.Entry, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	o, ok := b.objects[key]
	if !ok {
		return nil, &cache.MissError{Key: key}
	}
	return &cache.Entry{Meta: o.meta, Size: int64(len(o.content)), Body: cache.NewBody(o.content), Layer: "bucket"}, nil
}

// Put reads the whole content before it stores any of it, for a body may break off.
func (b *bucket) Put(ctx context.Context, key string, c cache.Content) error {
	if err := cache.CheckKey(key); err != nil {
		return err
	}
	content, err := io.ReadAll(io.LimitReader(c.Body, c.Size+1))
	if err != nil {
		return err
	}
	digest := cache.Digest(sha256.Sum256(content))
	if int64(len(content)) != c.Size || !c.Meta.Digest.IsZero() && c.Meta.Digest != digest {
		return fmt.Errorf("%s: the content is not what was announced", key)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	c.Meta.Digest = digest
	b.mu.Lock()
	defer b.mu.Unlock()
	b.objects[key] = object{c.Meta, content}
	return nil
}

// A store of your own, and how to find out that it keeps the contract.
func ExampleStore() {
	newStore := func() (cache.Store, error) { return &bucket{objects: map[string]object{}}, nil }
	fmt.Println(cachetest.Test(newStore))
	// Output: <nil>
}
