package cache

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"hash/maphash"
	"io"
	"sync"
	"time"
)

// MemoryOptions sets the bounds of a memory store; zero fields, and a nil
// *MemoryOptions, mean the defaults.
type MemoryOptions struct {
	// MaxBytes is the budget for content and what is kept beside it. When it is
	// used up, an entry stays only if it is asked for more often than the ones
	// that would have to go for it. Default: 64 MiB.
	MaxBytes int64

	// MaxEntry is the size of the largest content that is taken. Default: 1 MiB,
	// but at most half of what one of 16 shards of the budget may hold.
	MaxEntry int64
}

// shards spreads the lock: a look-up that changes the order of entries takes the lock
// alone.
const shards = 16

// entryOverhead is about what an entry takes beside its content and key.
const entryOverhead = 400

// NewMemory returns a store that keeps content in memory within a budget of
// bytes. Get returns the stored bytes themselves, without a copy.
//
// What is asked for once, as by a prefetch of thousands of files, does not push
// out what is asked for again and again: a new entry has a small part of the
// budget to prove itself in (W-TinyLFU: Einziger, Friedman and Manes, 2017).
func NewMemory(opts *MemoryOptions) Store {
	var o MemoryOptions
	if opts != nil {
		o = *opts
	}
	o.MaxBytes = cmp.Or(o.MaxBytes, 64<<20)
	perShard := o.MaxBytes / shards
	m := &memory{seed: maphash.MakeSeed(), maxBytes: o.MaxBytes, maxEntry: min(cmp.Or(o.MaxEntry, 1<<20), perShard/2)}
	for i := range m.shards {
		m.shards[i].init(perShard)
	}
	return m
}

type memory struct {
	seed     maphash.Seed
	maxBytes int64 // as the options say
	maxEntry int64
	shards   [shards]shard
	swap     sync.Mutex // held by one Swap at a time
}

func (m *memory) MaxEntry() int64 { return m.maxEntry }

func (m *memory) Get(_ context.Context, key string) (*Entry, error) {
	e := m.Hold(key)
	if e == nil {
		return nil, &MissError{Key: key}
	}
	return &Entry{Meta: e.Meta, Size: int64(len(e.Content)), Body: NewBody(e.Content), Layer: e.Layer, touched: &e.touched}, nil
}

func (m *memory) Put(_ context.Context, key string, c Content) error {
	if err := CheckKey(key); err != nil {
		return err
	}
	if c.Size > m.maxEntry {
		return fmt.Errorf("%s: %w", key, ErrTooLarge)
	}
	content, err := readExactly(c.Body, c.Size)
	if err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	return m.keep(key, c, content)
}

// keep stores content, which is not copied.
func (m *memory) keep(key string, c Content, content []byte) error {
	digest := Digest(sha256.Sum256(content))
	if err := c.check(int64(len(content)), digest); err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	c.Digest = digest
	hash := maphash.String(m.seed, key)
	e := &Held{Meta: c.Meta, Content: content, Layer: "memory", key: key, hash: hash}
	e.touched.Store(time.Now().UnixNano())
	m.shards[hash%shards].add(e)
	return nil
}

func (m *memory) Delete(_ context.Context, key string) error {
	m.shards[maphash.String(m.seed, key)%shards].remove(key)
	return nil
}

// readExactly reads content that says it has size bytes into a slice of that
// size; it reads on to see that there is no more.
func readExactly(r io.Reader, size int64) ([]byte, error) {
	if size < 0 {
		return nil, errMismatch
	}
	content := make([]byte, size)
	if _, err := io.ReadFull(r, content); err != nil {
		return nil, err
	}
	if n, err := io.Copy(io.Discard, io.LimitReader(r, 1)); n != 0 || err != nil {
		return nil, cmp.Or(err, errMismatch)
	}
	return content, nil
}

// NewBody returns a Body that reads content, which must not change any more.
func NewBody(content []byte) Body { return memoryBody{bytes.NewReader(content)} }

// memoryBody keeps bytes.Reader's WriteTo, so that a copy is one write.
type memoryBody struct{ *bytes.Reader }

func (memoryBody) Close() error { return nil }
