package cachetest_test

import (
	"bytes"
	"context"
	"errors"

	"github.com/breakwater-go/breakwater/cache"
)

// flushing is a store that writes when it is told to, and may have a fault.
type flushing struct {
	cache.Deleter
	fault   string
	waiting map[string]func() error
}

func newFlushing(s cache.Store, fault string) *flushing {
	return &flushing{s.(cache.Deleter), fault, map[string]func() error{}}
}

func (f *flushing) Put(ctx context.Context, key string, c cache.Content) error {
	if f.fault != "flushes what is old" || key != "example.com/!upper/mod/@v/v1.2.3.mod" {
		return f.Deleter.Put(ctx, key, c)
	}
	if err := f.Deleter.Put(ctx, key, c); err != nil || f.waiting[key] != nil {
		return err
	}
	first, _, err := cache.ReadSmall(ctx, f.Deleter, key)
	f.waiting[key] = func() error {
		c.Size, c.Body = int64(len(first)), bytes.NewReader(first)
		return f.Deleter.Put(ctx, key, c)
	}
	return err
}

func (f *flushing) Flush(ctx context.Context) error {
	switch f.fault {
	case "fails when nothing waits":
		return errors.New("nothing to do")
	case "loses what it flushes":
		return f.Deleter.Delete(ctx, "example.com/!upper/mod/@v/v1.2.3.mod")
	}
	for key, write := range f.waiting {
		if err := write(); err != nil {
			return err
		}
		delete(f.waiting, key)
	}
	return nil
}

func flushFaults() []fault {
	var all []fault
	for _, name := range []string{"fails when nothing waits", "loses what it flushes", "flushes what is old"} {
		all = append(all, fault{"flusher", name, func(s cache.Store) cache.Store { return newFlushing(s, name) }})
	}
	return all
}
