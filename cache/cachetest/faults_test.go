package cachetest_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/breakwater-go/breakwater/cache"
)

// A fault is a way to break a store, and the check that must find it.
type fault struct {
	check string
	name  string
	make  func(cache.Store) cache.Store
}

// mutant is a store whose methods may be replaced.
type mutant struct {
	cache.Store
	get func(ctx context.Context, key string) (*cache.Entry, error)
	put func(ctx context.Context, key string, c cache.Content) error
}

func (m *mutant) Get(ctx context.Context, key string) (*cache.Entry, error) {
	if m.get == nil {
		return m.Store.Get(ctx, key)
	}
	return m.get(ctx, key)
}

func (m *mutant) Put(ctx context.Context, key string, c cache.Content) error {
	if m.put == nil {
		return m.Store.Put(ctx, key, c)
	}
	return m.put(ctx, key, c)
}

func faults() []fault {
	return slices.Concat(getFaults(), putFaults(), upgradeFaults(), swapFaults(), shareFaults(), flushFaults())
}

// changed is a store that changes each entry which it finds.
func changed(change func(*cache.Entry)) func(cache.Store) cache.Store {
	return func(s cache.Store) cache.Store {
		return &mutant{Store: s, get: func(ctx context.Context, key string) (*cache.Entry, error) {
			e, err := s.Get(ctx, key)
			if err == nil {
				change(e)
			}
			return e, err
		}}
	}
}

// missing is a store that tells a miss in its own way.
func missing(miss func(key string) error) func(cache.Store) cache.Store {
	return func(s cache.Store) cache.Store {
		return &mutant{Store: s, get: func(ctx context.Context, key string) (*cache.Entry, error) {
			e, err := s.Get(ctx, key)
			if err != nil {
				return nil, miss(key)
			}
			return e, nil
		}}
	}
}

// renamed is a store that changes keys.
func renamed(rename func(string) string) func(cache.Store) cache.Store {
	return func(s cache.Store) cache.Store {
		return &mutant{s,
			func(ctx context.Context, key string) (*cache.Entry, error) {
				e, err := s.Get(ctx, rename(key))
				if err != nil {
					return nil, &cache.MissError{Key: key, Err: err}
				}
				return e, nil
			},
			func(ctx context.Context, key string, c cache.Content) error { return s.Put(ctx, rename(key), c) },
		}
	}
}

func getFaults() []fault {
	return []fault{
		{"miss", "a miss without a reason", missing(func(string) error { return fs.ErrNotExist })},
		{"miss", "a miss that is a failure", missing(func(string) error { return errors.New("not found") })},
		{"miss", "a miss of another key", missing(func(string) error { return &cache.MissError{Key: "x"} })},
		{"round trip", "no Fetched", changed(func(e *cache.Entry) { e.Fetched = time.Time{} })},
		{"round trip", "ModTime in seconds", changed(func(e *cache.Entry) { e.ModTime = e.ModTime.Truncate(time.Second) })},
		{"round trip", "no Origin", changed(func(e *cache.Entry) { e.Origin = "" })},
		{"round trip", "no Verified", changed(func(e *cache.Entry) { e.Verified = "" })},
		{"round trip", "no digest", changed(func(e *cache.Entry) { e.Digest = cache.Digest{} })},
		{"round trip", "no size", changed(func(e *cache.Entry) { e.Size = 0 })},
		{"digest", "wrong digest", changed(func(e *cache.Entry) { e.Digest[0]++ })},
		{"body", "a body that cannot seek back", changed(func(e *cache.Entry) { e.Body = forward{e.Body} })},
		{"cancelled context", "a call given up is a miss", func(s cache.Store) cache.Store {
			return &mutant{Store: s, get: func(ctx context.Context, key string) (*cache.Entry, error) {
				if ctx.Err() != nil {
					return nil, &cache.MissError{Key: key, Err: ctx.Err()}
				}
				return s.Get(ctx, key)
			}}
		}},
		{"body", "one body for all", func(s cache.Store) cache.Store {
			var only cache.Body
			return &mutant{Store: s, get: func(ctx context.Context, key string) (*cache.Entry, error) {
				e, err := s.Get(ctx, key)
				if err != nil || path.Base(key) != "list" || strings.Contains(key, "shared") {
					return e, err
				}
				if only == nil {
					only = e.Body
				}
				e.Body = only
				return e, nil
			}}
		}},
		{"body outlives its entry", "a body that changes with its entry", func(s cache.Store) cache.Store {
			return &mutant{Store: s, get: func(ctx context.Context, key string) (*cache.Entry, error) {
				e, err := s.Get(ctx, key)
				if err == nil {
					e.Body = live{io.NewSectionReader(current{s, key}, 0, e.Size)}
				}
				return e, err
			}}
		}},
	}
}

type forward struct{ cache.Body }

func (forward) Seek(int64, int) (int64, error) { return 0, errors.New("not supported") }

// current reads whatever is stored at the moment.
type current struct {
	s   cache.Store
	key string
}

func (c current) ReadAt(p []byte, off int64) (int, error) {
	e, err := c.s.Get(context.Background(), c.key)
	if err != nil {
		return 0, err
	}
	return e.Body.ReadAt(p, off)
}

type live struct{ *io.SectionReader }

func (live) Close() error { return nil }

// putting is a store that changes what it is given.
func putting(put func(s cache.Store, ctx context.Context, key string, c cache.Content) error) func(cache.Store) cache.Store {
	return func(s cache.Store) cache.Store {
		return &mutant{Store: s, put: func(ctx context.Context, key string, c cache.Content) error {
			return put(s, ctx, key, c)
		}}
	}
}

func putFaults() []fault {
	return []fault{
		{"refused content", "any size and half a body", putting(
			func(s cache.Store, ctx context.Context, key string, c cache.Content) error {
				b, _ := io.ReadAll(c.Body)
				c.Size, c.Body = int64(len(b)), bytes.NewReader(b)
				return s.Put(ctx, key, c)
			})},
		{"refused content", "any digest", putting(
			func(s cache.Store, ctx context.Context, key string, c cache.Content) error {
				c.Digest = cache.Digest{}
				return s.Put(ctx, key, c)
			})},
		{"refused content", "does not read to the end", putting(
			func(s cache.Store, ctx context.Context, key string, c cache.Content) error {
				c.Body = io.LimitReader(c.Body, c.Size)
				return s.Put(ctx, key, c)
			})},
		{"refused content", "loses the old entry", putting(
			func(s cache.Store, ctx context.Context, key string, c cache.Content) error {
				cache.Delete(ctx, s, key)
				return s.Put(ctx, key, c)
			})},
		{"replacement", "keeps the old entry", putting(
			func(s cache.Store, ctx context.Context, key string, c cache.Content) error {
				if _, err := s.Get(ctx, key); err == nil {
					return nil
				}
				return s.Put(ctx, key, c)
			})},
		{"large content", "refuses without saying why", putting(
			func(s cache.Store, ctx context.Context, key string, c cache.Content) error {
				if c.Size > 100<<10 {
					return errors.New("no")
				}
				return s.Put(ctx, key, c)
			})},
		{"large content", "cuts off", putting(
			func(s cache.Store, ctx context.Context, key string, c cache.Content) error {
				if c.Size > 100<<10 {
					c.Size, c.Body = 100<<10, io.LimitReader(c.Body, 100<<10)
				}
				return s.Put(ctx, key, c)
			})},
		{"invalid keys", "cleans keys", renamed(func(key string) string { return strings.Trim(path.Clean("/"+key), "/") })},
		{"invalid keys", "panics", renamed(func(key string) string { return key[:1] + key[1:] })},
		{"long keys", "cuts keys", renamed(func(key string) string { return key[:min(len(key), 255)] })},
		{"keys below keys", "folds case", renamed(strings.ToLower)},
		{"one key at once", "writers in each other's way", func(s cache.Store) cache.Store {
			var writers atomic.Int32
			return putting(func(s cache.Store, ctx context.Context, key string, c cache.Content) error {
				defer writers.Add(-1)
				writers.Add(1)
				runtime.Gosched()
				if writers.Load() > 1 {
					b, _ := io.ReadAll(c.Body)
					copy(b[len(b)/2:], b)
					c.Body = bytes.NewReader(b)
				}
				return s.Put(ctx, key, c)
			})(s)
		}},
	}
}
