package breaker

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
)

// minLimit is how low an adaptive limit may fall.
const minLimit = 4

// decreaseEvery is how often an adaptive limit may be lowered: what is under way
// when a source falters fails together, and is one piece of news.
const decreaseEvery = time.Second

// A turnstile lets a number of calls through at once and has others wait.
type turnstile struct {
	limit   int // the most there may be; negative: no bound
	queue   int // how many may wait; negative: none
	maxWait time.Duration

	mu       sync.Mutex
	inside   int
	waiting  []*turn // in the order of their coming
	adaptive bool
	present  float64 // an adaptive limit as it is now
	lowered  time.Time
}

// A turn is waited for.
type turn struct {
	ctx context.Context
	now chan struct{} // closed when it has come
}

func newTurnstile(limit int, o LimitOptions) *turnstile {
	return &turnstile{
		limit: limit, queue: max(0, o.Queue), maxWait: o.MaxWait,
		adaptive: o.Adaptive, present: float64(limit),
	}
}

// enter returns when it is this call's turn, or with the reason why it will not
// be. After nil, leave must be called.
func (t *turnstile) enter(ctx context.Context) error {
	t.mu.Lock()
	if t.inside < t.allowed() && len(t.waiting) == 0 {
		t.inside++
		t.mu.Unlock()
		upstream.ProgressOf(ctx).Asked()
		return nil
	}
	if len(t.waiting) >= t.queue {
		t.mu.Unlock()
		return ErrBusy
	}
	mine := &turn{ctx, make(chan struct{})}
	t.waiting = append(t.waiting, mine)
	t.mu.Unlock()
	upstream.ProgressOf(ctx).Queued()
	return t.await(ctx, mine)
}

func (t *turnstile) await(ctx context.Context, mine *turn) error {
	var late <-chan time.Time
	if t.maxWait > 0 {
		timer := time.NewTimer(t.maxWait)
		defer timer.Stop()
		late = timer.C
	}
	err := ErrBusy
	select {
	case <-mine.now:
		upstream.ProgressOf(ctx).Asked()
		return nil
	case <-late:
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	if !t.withdraw(mine) {
		t.leave() // the turn came at the same moment
	}
	return err
}

// withdraw takes a turn out of the queue, and reports whether it was there.
func (t *turnstile) withdraw(mine *turn) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	i := slices.Index(t.waiting, mine)
	if i < 0 {
		return false
	}
	t.waiting = slices.Delete(t.waiting, i, i+1)
	return true
}

func (t *turnstile) leave() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.inside--
	t.admit()
}

// admit gives out what turns there are; mu is held.
func (t *turnstile) admit() {
	for len(t.waiting) > 0 && t.inside < t.allowed() {
		i := max(0, slices.IndexFunc(t.waiting, func(w *turn) bool {
			return upstream.PriorityOf(w.ctx) == upstream.Interactive
		}))
		close(t.waiting[i].now)
		t.waiting = slices.Delete(t.waiting, i, i+1)
		t.inside++
	}
}

// allowed returns the limit as it is now; mu is held.
func (t *turnstile) allowed() int {
	if t.adaptive {
		return int(t.present)
	}
	return t.limit
}

// fared moves an adaptive limit.
func (t *turnstile) fared(well bool) {
	if !t.adaptive {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	switch {
	case well && 2*t.inside >= t.allowed():
		t.present = min(float64(t.limit), t.present+1/t.present)
		t.admit()
	case !well && now.Sub(t.lowered) >= decreaseEvery:
		t.present = max(float64(min(minLimit, t.limit)), 0.7*t.present)
		t.lowered = now
	}
}
