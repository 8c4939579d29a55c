package cache

import (
	"math"
	"sync"
	"sync/atomic"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// windowPart is the part of a shard's budget for entries that are new, as a
// divisor.
const windowPart = 20

// minWindow is what the window has at the least, in bytes, where that is not more
// than a quarter of the budget: room for a few small files.
const minWindow = 8 << 10

// bytesPerKey is for how many bytes of the budget there is a counter for a key.
// It is less than an entry takes, for those that are not here are counted, too: a
// scan must not make all counts alike.
const bytesPerKey = 256

// frontSize is how many entries of a shard can be found without its lock, at the most.
const frontSize = 256

// A shard is a part of a memory store with a budget of its own. New entries are
// in the window. What falls out of it gets into the main part if it is asked for
// more often than those that have to make room for it.
//
// The entry that all cores ask for at once is found in front, where nobody waits for
// anybody. That it was asked for is noted if nobody else has the lock just then, as in
// Caffeine, whose buffers of reads lose some: who is asked for so often can spare it.
type shard struct {
	front [frontSize]atomic.Pointer[Held] // what was asked for last, by hash; mu is held to change it

	mu     sync.Mutex
	window segment
	main   segment
	asked  *sketch
	ties   int

	evicted int64 // entries that went to make room
}

// A segment holds entries in the order in which they were asked for last.
type segment struct {
	lru    *simplelru.LRU[string, *Held]
	bytes  int64
	budget int64
}

func (s *segment) init(budget int64, left func(*Held)) {
	s.budget = budget
	// The LRU bounds a number of entries, which is not what we bound. It fails
	// only for a number below 1.
	s.lru, _ = simplelru.NewLRU(math.MaxInt, func(_ string, e *Held) {
		s.bytes -= e.cost()
		left(e)
	})
}

func (s *segment) add(e *Held) {
	s.lru.Add(e.key, e)
	s.bytes += e.cost()
}

func (s *segment) fits(cost int64) bool { return s.bytes+cost <= s.budget }

func (s *shard) init(budget int64) {
	window := max(budget/windowPart, min(minWindow, budget/4))
	s.window.init(window, s.hide)
	s.main.init(budget-window, s.hide)
	s.asked = newSketch(int(min(max(0, budget)/bytesPerKey, maxCounters)))
}

// place returns where an entry is in front, if it is.
func (s *shard) place(hash uint64) *atomic.Pointer[Held] { return &s.front[hash/shards%frontSize] }

// hide takes an entry that leaves a segment from the front; mu is held.
func (s *shard) hide(e *Held) { s.place(e.hash).CompareAndSwap(e, nil) }

func (s *shard) get(key string, hash uint64) *Held {
	if e := s.place(hash).Load(); e != nil && e.key == key {
		if s.mu.TryLock() {
			s.find(key, hash)
			s.mu.Unlock()
		}
		return e
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.find(key, hash)
	if e != nil {
		s.place(hash).Store(e)
	}
	return e
}

// find looks for an entry and notes that it was asked for; mu is held.
func (s *shard) find(key string, hash uint64) *Held {
	s.asked.add(hash)
	if e, ok := s.main.lru.Get(key); ok {
		return e
	}
	e, _ := s.window.lru.Get(key)
	return e
}

func (s *shard) add(e *Held) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drop(e.key) // so that the callback takes the old one off the count
	s.window.add(e)
	for s.window.bytes > s.window.budget {
		_, candidate, _ := s.window.lru.RemoveOldest()
		s.admit(candidate)
	}
}

// admit takes a candidate into the main part, or drops it. It goes through those
// that would have to go for it, the one that was asked for longest ago first, as
// long as it wins over them; the loser of a comparison is dropped.
func (s *shard) admit(candidate *Held) {
	cost := candidate.cost()
	if cost > s.main.budget {
		s.evicted++
		return
	}
	asked := s.asked.count(candidate.hash)
	for !s.main.fits(cost) {
		_, victim, _ := s.main.lru.GetOldest()
		s.evicted++ // one of the two
		if !s.wins(asked, s.asked.count(victim.hash)) {
			return
		}
		s.main.lru.RemoveOldest()
	}
	s.main.add(candidate)
}

// wins reports whether a candidate that was asked for so often gets the place of a
// victim. Of equals, one candidate in sixteen does: enough for what is not asked
// for any more to go some day, and few enough for a part to stay when more than
// there is room for is asked for in turn.
func (s *shard) wins(candidate, victim uint64) bool {
	if candidate != victim {
		return candidate > victim
	}
	s.ties++
	return s.ties%16 == 0
}

func (s *shard) remove(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drop(key)
}

func (s *shard) drop(key string) {
	s.window.lru.Remove(key)
	s.main.lru.Remove(key)
}
