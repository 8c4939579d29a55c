package guard

import (
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// turns says when each caller may make his next request. For each it keeps one
// time: when his next turn would be if he made full use of his rate (the generic
// cell rate algorithm). A caller who is ahead of that by less than the burst need
// not wait.
type turns struct {
	interval time.Duration // from turn to turn in the long run
	ahead    time.Duration // how far ahead of his turns a caller may be: the burst, less one
	wait     time.Duration // and how much farther, if he waits for it

	mu   sync.Mutex
	next *simplelru.LRU[string, time.Time]
}

func newTurns(o RateOptions) *turns {
	next, err := simplelru.NewLRU[string, time.Time](o.Callers, nil)
	if err != nil {
		panic(err) // only for a size that is not positive
	}
	interval := max(time.Duration(float64(time.Second)/o.PerSecond), 1)
	ahead := time.Duration(min(float64(interval)*float64(o.Burst-1), 1<<62))
	return &turns{interval: interval, ahead: ahead, wait: o.Wait, next: next}
}

// take gives caller a turn and returns how long he has to wait for it. If that
// is too long it takes no turn, and returns after how long he may have one.
func (t *turns) take(caller string, now time.Time) (wait time.Duration, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	turn, _ := t.next.Get(caller)
	if turn.Before(now) {
		turn = now
	}
	wait = turn.Sub(now) - t.ahead
	if wait > t.wait {
		return wait - t.wait, false
	}
	t.next.Add(caller, turn.Add(t.interval))
	return max(0, wait), true
}
