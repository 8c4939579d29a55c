package cache

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
)

// ErrConflict is the error of a Swap that found another entry than expected.
var ErrConflict = errors.New("the entry is not the one expected any more")

// A Swapper is a Store that can replace a small entry only while it is still
// the one that the caller knows.
type Swapper interface {
	Store

	// Swap stores next under key if the content there is old, or if old is nil
	// and there is no entry. If not, it changes nothing and the error satisfies
	// errors.Is(err, ErrConflict). Of several Swaps at once that expect the same
	// entry one succeeds, also across the processes that share a disk store.
	Swap(ctx context.Context, key string, old, next []byte, meta Meta) error
}

// Swap replaces an entry by [Swapper] where s is one. Elsewhere it looks and
// then puts, which another writer may come between.
func Swap(ctx context.Context, s Store, key string, old, next []byte, meta Meta) error {
	if sw, ok := s.(Swapper); ok {
		return sw.Swap(ctx, key, old, next, meta)
	}
	return compareAndPut(ctx, s, key, old, next, meta)
}

// ReadSmall returns the content under key, whole, in a slice of the caller's own.
func ReadSmall(ctx context.Context, s Store, key string) ([]byte, Meta, error) {
	e, err := s.Get(ctx, key)
	if err != nil {
		return nil, Meta{}, err
	}
	defer e.Body.Close()
	content, err := readExactly(e.Body, e.Size)
	return content, e.Meta, err
}

func compareAndPut(ctx context.Context, s Store, key string, old, next []byte, meta Meta) error {
	held, _, err := ReadSmall(ctx, s, key)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		held = nil
	case err != nil:
		return err
	}
	if (held == nil) != (old == nil) || !bytes.Equal(held, old) {
		return ErrConflict
	}
	return s.Put(ctx, key, Content{Meta: meta, Size: int64(len(next)), Body: NewBody(next)})
}

// Swap is atomic within the process, whose memory it is.
func (m *memory) Swap(ctx context.Context, key string, old, next []byte, meta Meta) error {
	m.swap.Lock()
	defer m.swap.Unlock()
	return compareAndPut(ctx, m, key, old, next, meta)
}

// Swap asks the slow store, which is the one that lasts and may be shared.
func (l *layered) Swap(ctx context.Context, key string, old, next []byte, meta Meta) error {
	if err := Swap(ctx, l.slow, key, old, next, meta); err != nil {
		l.forget(ctx, key) // what is there may be older than what won
		return err
	}
	l.putFast(ctx, key, Content{Meta: meta, Size: int64(len(next)), Body: NewBody(next)})
	return nil
}

// Swap holds a lock on a file, which the system lets go of when the process
// dies. Where the system has no such locks, it is atomic within the process.
func (d *Disk) Swap(ctx context.Context, key string, old, next []byte, meta Meta) error {
	unlock, err := d.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	return compareAndPut(ctx, d, key, old, next, meta)
}
