package cachetest_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/cache/cachetest"
)

// bounded is a store in memory whose bound may be broken.
type bounded struct {
	cache.Store
	fault string
	puts  int
}

func newBounded(fault string, maxBytes int64) *bounded {
	switch fault {
	case "makes no room", "makes no room and lists nothing", "refuses what is too much":
		maxBytes = 1 << 30
	case "keeps next to nothing":
		maxBytes /= 8
	}
	return &bounded{Store: cache.NewMemory(&cache.MemoryOptions{MaxBytes: maxBytes}), fault: fault}
}

func (b *bounded) Put(ctx context.Context, key string, c cache.Content) error {
	if b.puts++; b.fault == "refuses what is too much" && b.puts > 200 {
		return errors.New("full")
	}
	return b.Store.Put(ctx, key, c)
}

func (b *bounded) Get(ctx context.Context, key string) (*cache.Entry, error) {
	e, err := b.Store.Get(ctx, key)
	switch {
	case err != nil:
	case b.fault == "cuts what stays" && strings.HasSuffix(key, "7.info"):
		e.Body = cache.NewBody(make([]byte, e.Size))
	case b.fault == "ends a body with its entry":
		e.Body = &dying{e.Body, b, b.puts}
	case b.fault == "changes a body with its entry":
		e.Body = &changing{e.Body, b, b.puts}
	}
	return e, err
}

func (b *bounded) List(ctx context.Context, visit func(string) error) error {
	switch b.fault {
	case "makes no room and lists nothing":
		return cache.ErrNotLister
	case "lists what nobody put":
		return visit("nothing")
	}
	return b.Store.(cache.Lister).List(ctx, visit)
}

// dying can be read until much is put.
type dying struct {
	cache.Body
	b    *bounded
	puts int // when it was got
}

func (d *dying) Read(p []byte) (int, error) {
	if d.b.puts > d.puts+1000 {
		return 0, io.ErrClosedPipe
	}
	return d.Body.Read(p)
}

// changing is other bytes when much is put.
type changing struct {
	cache.Body
	b    *bounded
	puts int // when it was got
}

func (c *changing) Read(p []byte) (int, error) {
	n, err := c.Body.Read(p)
	if n > 0 && c.b.puts > c.puts+1000 {
		p[0]++
	}
	return n, err
}

func TestBoundsFaults(t *testing.T) {
	for fault, words := range map[string]string{
		"":                                "",
		"makes no room":                   "over a bound",
		"makes no room and lists nothing": "over a bound",
		"refuses what is too much":        "full",
		"keeps next to nothing":           "are left of a bound",
		"cuts what stays":                 "content is",
		"ends a body with its entry":      "reading on",
		"changes a body with its entry":   "reading on",
		"lists what nobody put":           "nobody put",
	} {
		t.Run(fault, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				wantSays(t, cachetest.TestBounds(func(maxBytes int64) (cache.Store, error) {
					return newBounded(fault, maxBytes), nil
				}), words)
			})
		})
	}
}
