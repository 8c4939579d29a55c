package cache

import (
	"context"
	"io"
)

// A Spooler is a Store that can say where a download should be written so that
// it need not be copied later.
type Spooler interface {
	Store

	// NewSpool returns a spool that holds up to memory bytes in memory, and
	// beyond that writes a file beside the store.
	NewSpool(memory int64) *Spool
}

// SpoolFor returns a new spool for content that is meant for s. If s is no
// [Spooler], the spool's file is in the directory for temporary files.
func SpoolFor(s Store, memory int64) *Spool {
	if sp, ok := s.(Spooler); ok {
		return sp.NewSpool(memory)
	}
	return NewSpool(memory)
}

// A Mover is a Store that can take over a spool without copying it.
type Mover interface {
	Store

	// Move does what Put does with the spool's content. The spool must be
	// finished; its readers stay valid. On an error the spool is unharmed.
	Move(ctx context.Context, key string, spool *Spool, meta Meta) error
}

// Commit stores what is in a finished spool under key, by [Mover] where s is
// one and by Put elsewhere. The spool's own digest takes the place of meta's. Errors
// are those of [Spool.Digest], for a spool that is not finished, and of the store.
func Commit(ctx context.Context, s Store, key string, spool *Spool, meta Meta) error {
	digest, err := spool.Digest()
	if err != nil {
		return err
	}
	meta.Digest = digest
	if m, ok := s.(Mover); ok {
		return m.Move(ctx, key, spool, meta)
	}
	r := spool.Reader(ctx)
	defer r.Close()
	return s.Put(ctx, key, Content{Meta: meta, Size: spool.Size(), Body: r})
}

// A Deleter is a Store that can forget an entry.
type Deleter interface {
	Store

	// Delete removes the entry under key. That there is none is no error.
	Delete(ctx context.Context, key string) error
}

// Delete removes the entry under key if s is a [Deleter], and reports whether
// it is one. The error is that of the store.
func Delete(ctx context.Context, s Store, key string) (bool, error) {
	d, ok := s.(Deleter)
	if !ok {
		return false, nil
	}
	return true, d.Delete(ctx, key)
}

// Bounded is a Store that refuses content over a size.
type Bounded interface {
	Store

	// MaxEntry returns the size in bytes of the largest content that Put takes.
	MaxEntry() int64
}

// Close closes s if it is an [io.Closer], as stores that hold files, or write in the
// background, are, and returns its error. A layered store closes its layers.
func Close(s Store) error {
	if c, ok := s.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

// takes reports whether s would take content of the given size.
func takes(s Store, size int64) bool {
	b, ok := s.(Bounded)
	return !ok || size <= b.MaxEntry()
}
