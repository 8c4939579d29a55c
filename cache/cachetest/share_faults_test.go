package cachetest_test

import (
	"context"
	"sync"

	"github.com/breakwater-go/breakwater/cache"
)

// sharing is a store whose List and Lock may be broken.
type sharing struct {
	cache.Deleter
	fault string
	lock  chan struct{}
}

func newSharing(s cache.Store, fault string) sharing {
	return sharing{s.(cache.Deleter), fault, make(chan struct{}, 1)}
}

func (s sharing) List(ctx context.Context, visit func(string) error) error {
	switch s.fault {
	case "lists too much":
		if err := visit("nothing"); err != nil {
			return err
		}
	case "lists nothing":
		return nil
	case "goes on after an error":
		var first error
		s.Deleter.(cache.Lister).List(ctx, func(key string) error {
			if err := visit(key); err != nil {
				first = err
			}
			return nil
		})
		return first
	case "lists without a context":
		ctx = context.Background()
	}
	return s.Deleter.(cache.Lister).List(ctx, visit)
}

// Lock is one for the keys of one length.
func (s sharing) Lock(ctx context.Context, key string) (func(), error) {
	if s.fault == "locks nothing" || len(key) != len("example.com/!upper/mod/@v/v1.2.3.mod") {
		return func() {}, nil
	}
	select {
	case s.lock <- struct{}{}:
	case <-ctx.Done():
		if s.fault == "hides the cause" {
			return nil, ctx.Err()
		}
		return nil, context.Cause(ctx)
	}
	return sync.OnceFunc(func() { <-s.lock }), nil
}

func shareFaults() []fault {
	var all []fault
	for _, f := range []struct{ check, name string }{
		{"lister", "lists too much"},
		{"lister", "lists nothing"},
		{"lister", "goes on after an error"},
		{"lister", "lists without a context"},
		{"locker", "locks nothing"},
		{"locker", "hides the cause"},
	} {
		all = append(all, fault{f.check, f.name, func(s cache.Store) cache.Store { return newSharing(s, f.name) }})
	}
	return all
}
