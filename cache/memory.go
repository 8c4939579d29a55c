package cache

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"hash/maphash"
	"io"
	"math"
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// MemoryOptions sets the bounds of a memory store; zero fields, and a nil
// *MemoryOptions, mean the defaults.
type MemoryOptions struct {
	// MaxBytes is the budget for content and what is kept beside it. When it is
	// used up, the entries that were not asked for longest go. Default: 64 MiB.
	MaxBytes int64

	// MaxEntry is the size of the largest content that is taken. Default: 1 MiB,
	// but at most half of what one of 16 shards of the budget may hold.
	MaxEntry int64
}

// shards spreads the lock: a look-up in an LRU changes it, so it takes the lock
// alone.
const shards = 16

// entryOverhead is about what an entry takes beside its content and key.
const entryOverhead = 400

// NewMemory returns a store that keeps content in memory within a budget of
// bytes. Get returns the stored bytes themselves, without a copy.
func NewMemory(opts *MemoryOptions) Store {
	var o MemoryOptions
	if opts != nil {
		o = *opts
	}
	o.MaxBytes = cmp.Or(o.MaxBytes, 64<<20)
	perShard := o.MaxBytes / shards
	m := &memory{seed: maphash.MakeSeed(), maxEntry: min(cmp.Or(o.MaxEntry, 1<<20), perShard/2)}
	for i := range m.shards {
		m.shards[i].init(perShard)
	}
	return m
}

type memory struct {
	seed     maphash.Seed
	maxEntry int64
	shards   [shards]shard
	swap     sync.Mutex // held by one Swap at a time
}

type shard struct {
	mu     sync.Mutex
	lru    *simplelru.LRU[string, *memoryEntry]
	bytes  int64
	budget int64
}

type memoryEntry struct {
	meta    Meta
	content []byte
}

func (m *memory) MaxEntry() int64 { return m.maxEntry }

func (m *memory) Get(_ context.Context, key string) (*Entry, error) {
	e, ok := m.shard(key).get(key)
	if !ok {
		return nil, &MissError{Key: key}
	}
	return &Entry{Meta: e.meta, Size: int64(len(e.content)), Body: NewBody(e.content), Layer: "memory"}, nil
}

func (m *memory) Put(_ context.Context, key string, c Content) error {
	if err := checkKey(key); err != nil {
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
	m.shard(key).add(key, &memoryEntry{c.Meta, content})
	return nil
}

func (m *memory) Delete(_ context.Context, key string) error {
	m.shard(key).remove(key)
	return nil
}

func (m *memory) shard(key string) *shard {
	return &m.shards[maphash.String(m.seed, key)%shards]
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

func (s *shard) init(budget int64) {
	s.budget = budget
	// The LRU bounds a number of entries, which is not what we bound. It fails
	// only for a number below 1.
	s.lru, _ = simplelru.NewLRU(math.MaxInt, func(key string, e *memoryEntry) {
		s.bytes -= e.cost(key)
	})
}

func (e *memoryEntry) cost(key string) int64 {
	return int64(len(e.content)) + int64(len(key)) + entryOverhead
}

func (s *shard) get(key string) (*memoryEntry, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lru.Get(key)
}

func (s *shard) add(key string, e *memoryEntry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lru.Remove(key) // so that the callback takes the old one off the count
	s.lru.Add(key, e)
	s.bytes += e.cost(key)
	for s.bytes > s.budget {
		s.lru.RemoveOldest()
	}
}

func (s *shard) remove(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lru.Remove(key)
}

// NewBody returns a Body that reads content, which must not change any more.
func NewBody(content []byte) Body { return memoryBody{bytes.NewReader(content)} }

// memoryBody keeps bytes.Reader's WriteTo, so that a copy is one write.
type memoryBody struct{ *bytes.Reader }

func (memoryBody) Close() error { return nil }
