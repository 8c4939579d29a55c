package cache

import (
	"hash/maphash"
	"sync/atomic"
)

// A Held is an entry that a store has in memory. It is the store's own and shared by
// all who ask: it must not be changed, but for its Memo. It stays valid when the store
// has forgotten it.
type Held struct {
	Meta
	Content []byte // all of it
	Layer   string // as [Entry].Layer

	// Memo is for whoever serves the entry again and again, to keep what it has made of
	// it. It goes when the entry does.
	Memo atomic.Value

	key     string
	hash    uint64       // of the key
	touched atomic.Int64 // when a slower store was last told of its use, Unix nanoseconds
}

// cost is what the entry takes of a budget.
func (e *Held) cost() int64 {
	return int64(len(e.Content)) + int64(len(e.key)) + entryOverhead
}

// A Holder is a Store that can hand out what it has in memory as it is.
type Holder interface {
	Store

	// Hold returns the entry under key, if it is in memory, and nil if it is not, which
	// says nothing of what Get would find. It counts as a Get, does no I/O but for a note
	// of the use once an hour, and allocates nothing.
	Hold(key string) *Held
}

// Hold returns the entry under key if s has it in memory, else nil.
func Hold(s Store, key string) *Held {
	if h, ok := s.(Holder); ok {
		return h.Hold(key)
	}
	return nil
}

// Hold is the method of [Holder].
func (m *memory) Hold(key string) *Held {
	hash := maphash.String(m.seed, key)
	return m.shards[hash%shards].get(key, hash)
}

// Hold is the method of [Holder]. What the fast store does not have in memory is for
// Get to find.
func (l *layered) Hold(key string) *Held {
	held := Hold(l.fast, key)
	if held != nil {
		l.touchSlow(key, &held.touched)
	}
	return held
}
