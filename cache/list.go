package cache

import (
	"context"
	"errors"
	"io/fs"
)

// A Lister is a Store that can say what it holds.
type Lister interface {
	Store

	// List calls visit with the key of each entry, in no particular order, and
	// ends with the first error, which it returns. What comes and goes meanwhile
	// may be missed, and a key may come twice. visit may delete entries.
	List(ctx context.Context, visit func(key string) error) error
}

// ErrNotLister is the error of asking a store what it holds that cannot say.
var ErrNotLister = errors.New("the store cannot list what it holds")

// Purge deletes the entries whose keys match, and returns how many there were.
// The store must be a [Lister] and a [Deleter]; if not, the error is [ErrNotLister].
// After another error, which is that of the store, some may be deleted.
func Purge(ctx context.Context, s Store, match func(key string) bool) (int, error) {
	l, ok := s.(Lister)
	d, deletes := s.(Deleter)
	if !ok || !deletes {
		return 0, ErrNotLister
	}
	gone := map[string]bool{}
	err := l.List(ctx, func(key string) error {
		if gone[key] || !match(key) {
			return nil
		}
		gone[key] = true
		return d.Delete(ctx, key)
	})
	return len(gone), err
}

// List is the method of [Lister].
func (d *Disk) List(ctx context.Context, visit func(key string) error) error {
	return d.walk(ctx, func(key string, _ fs.DirEntry) error { return visit(key) })
}

// List is the method of [Lister].
func (m *memory) List(ctx context.Context, visit func(key string) error) error {
	for i := range m.shards {
		for _, key := range m.shards[i].keys() {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			if err := visit(key); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *shard) keys() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append(s.window.lru.Keys(), s.main.lru.Keys()...)
}

// List lists what any of the stores holds that can say.
func (l *layered) List(ctx context.Context, visit func(key string) error) error {
	listed := false
	for _, s := range []Store{l.fast, l.slow} {
		lister, ok := s.(Lister)
		if !ok {
			continue
		}
		err := lister.List(ctx, visit)
		if errors.Is(err, ErrNotLister) {
			continue
		}
		if err != nil {
			return err
		}
		listed = true
	}
	if !listed {
		return ErrNotLister
	}
	return nil
}
