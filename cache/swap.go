package cache

import (
	"bytes"
	"context"
	"crypto/sha256"
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
// then puts, which another writer may come between. The error is [ErrConflict], or that
// of the store.
func Swap(ctx context.Context, s Store, key string, old, next []byte, meta Meta) error {
	if sw, ok := s.(Swapper); ok {
		return sw.Swap(ctx, key, old, next, meta)
	}
	return compareAndPut(ctx, s, key, old, next, meta)
}

// ReadSmall returns the content under key, whole, in a slice of the caller's own.
// Content that is damaged, by its digest, is a miss. Errors are those of Get, and of
// reading.
func ReadSmall(ctx context.Context, s Store, key string) ([]byte, Meta, error) {
	e, err := s.Get(ctx, key)
	if err != nil {
		return nil, Meta{}, err
	}
	defer e.Body.Close()
	content, err := readExactly(e.Body, e.Size)
	if err == nil && sha256.Sum256(content) != e.Digest {
		err = errMismatch
	}
	if errors.Is(err, errMismatch) {
		return nil, Meta{}, &MissError{Key: key, Err: err}
	}
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

// Swap asks the slow store, which is the one that lasts and may be shared. The
// fast one forgets the entry, whoever won: to put next there could come after
// the put of a Swap that has already replaced it. Where the slow store is no
// Swapper, it is atomic within the process.
func (l *layered) Swap(ctx context.Context, key string, old, next []byte, meta Meta) error {
	if !isWritable(l.slow) {
		return l.swapFast(ctx, key, old, next, meta)
	}
	if _, ok := l.slow.(Swapper); !ok {
		select {
		case l.swapping <- struct{}{}:
			defer func() { <-l.swapping }()
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	err := Swap(ctx, l.slow, key, old, next, meta)
	if forgetErr := l.written(ctx, key); err == nil {
		err = forgetErr
	}
	return err
}

// swapFast swaps over a store that is read-only: what that has counts where the
// fast one has nothing.
func (l *layered) swapFast(ctx context.Context, key string, old, next []byte, meta Meta) error {
	if _, _, err := ReadSmall(ctx, l.fast, key); errors.Is(err, fs.ErrNotExist) {
		held, _, err := ReadSmall(ctx, l.slow, key)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			held = nil
		case err != nil:
			return err
		}
		if (held == nil) != (old == nil) || !bytes.Equal(held, old) {
			return ErrConflict
		}
		// A promotion that comes between makes it a conflict, though it is not.
		err = Swap(ctx, l.fast, key, nil, next, meta)
		if errors.Is(err, ErrConflict) && held != nil {
			err = Swap(ctx, l.fast, key, held, next, meta)
		}
		return err
	}
	return Swap(ctx, l.fast, key, old, next, meta)
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
