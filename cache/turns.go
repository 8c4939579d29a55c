package cache

import (
	"context"
	"sync"
)

// turns lets one goroutine at a time have a key. The zero turns is ready.
type turns struct {
	mu    sync.Mutex
	taken map[string]chan struct{} // closed when the turn is over
}

// take waits until nobody else has the key, or ctx ends. The caller calls done.
func (t *turns) take(ctx context.Context, key string) (done func(), err error) {
	mine := make(chan struct{})
	for {
		other := t.tryTake(key, mine)
		if other == nil {
			return func() { t.end(key, mine) }, nil
		}
		select {
		case <-other:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// tryTake returns the turn that is in the way, or nil.
func (t *turns) tryTake(key string, mine chan struct{}) (other chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if other := t.taken[key]; other != nil {
		return other
	}
	if t.taken == nil {
		t.taken = map[string]chan struct{}{}
	}
	t.taken[key] = mine
	return nil
}

func (t *turns) end(key string, mine chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.taken, key)
	close(mine)
}
