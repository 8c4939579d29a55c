package cache

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// ErrReadOnly is the cause when a store that only reads is told to write.
var ErrReadOnly = errors.New("the store is read-only")

// A Writability is a Store that may not be writable.
type Writability interface {
	Store

	// Writable reports whether Put may succeed at all.
	Writable() bool
}

// isWritable reports whether it makes sense to write to s.
func isWritable(s Store) bool {
	w, ok := s.(Writability)
	return !ok || w.Writable()
}

// OpenReadOnly opens the directory of a disk store that must not be changed: a
// layer of an image, a replica on a network file system. Nothing is written
// there, so damage is found but stays where it is, and use leaves no note. In
// [Layered] such a store is read through, and what is new goes to the others.
// A directory that does not exist is an error. The result is an [io.Closer].
func OpenReadOnly(dir string) (Store, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("opening the cache directory: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("opening the cache directory: %w", err)
	}
	d := &Disk{witness: newWitness(), known: newKnown(), readOnly: true}
	d.place.Store(&place{root: root})
	return &readOnly{d}, nil
}

type readOnly struct{ d *Disk }

func (r *readOnly) Get(ctx context.Context, key string) (*Entry, error) { return r.d.Get(ctx, key) }

func (r *readOnly) Put(_ context.Context, key string, _ Content) error {
	return fmt.Errorf("%s: %w", key, ErrReadOnly)
}

func (r *readOnly) Writable() bool { return false }

func (r *readOnly) List(ctx context.Context, visit func(key string) error) error {
	return r.d.List(ctx, visit)
}

func (r *readOnly) Close() error {
	r.d.closed.Store(true)
	done, _ := r.d.changing.take(context.Background(), "") // as renew does
	defer done()
	return r.d.root().Close()
}
