package cache

import (
	"math"
	"sync"

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

// A shard is a part of a memory store with a budget of its own. New entries are
// in the window. What falls out of it gets into the main part if it is asked for
// more often than those that have to make room for it.
type shard struct {
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

func (s *segment) init(budget int64) {
	s.budget = budget
	// The LRU bounds a number of entries, which is not what we bound. It fails
	// only for a number below 1.
	s.lru, _ = simplelru.NewLRU(math.MaxInt, func(key string, e *Held) { s.bytes -= e.cost(key) })
}

func (s *segment) add(key string, e *Held) {
	s.lru.Add(key, e)
	s.bytes += e.cost(key)
}

func (s *segment) fits(cost int64) bool { return s.bytes+cost <= s.budget }

func (s *shard) init(budget int64) {
	window := max(budget/windowPart, min(minWindow, budget/4))
	s.window.init(window)
	s.main.init(budget - window)
	s.asked = newSketch(int(min(max(0, budget)/bytesPerKey, maxCounters)))
}

func (s *shard) get(key string, hash uint64) (*Held, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked.add(hash)
	if e, ok := s.main.lru.Get(key); ok {
		return e, true
	}
	return s.window.lru.Get(key)
}

func (s *shard) add(key string, e *Held) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drop(key) // so that the callback takes the old one off the count
	s.window.add(key, e)
	for s.window.bytes > s.window.budget {
		oldest, candidate, _ := s.window.lru.RemoveOldest()
		s.admit(oldest, candidate)
	}
}

// admit takes a candidate into the main part, or drops it. It goes through those
// that would have to go for it, the one that was asked for longest ago first, as
// long as it wins over them; the loser of a comparison is dropped.
func (s *shard) admit(key string, candidate *Held) {
	cost := candidate.cost(key)
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
	s.main.add(key, candidate)
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
