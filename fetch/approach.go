package fetch

import (
	"context"
	"slices"
	"sync"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/verify"
)

// maxApproaching is how many arrivals of one flight are kept for those who join it
// later: the youngest, of which one will be what the flight brings.
const maxApproaching = 3

// An approach is what can be seen of a flight before it lands: the zip that arrives,
// from one source or from several.
type approach struct {
	mu     sync.Mutex
	seen   []approaching
	hooks  map[int]func(verify.Arrival)
	joined int
	over   bool
}

// approaching is an arrival, and a hold on its spool.
type approaching struct {
	verify.Arrival
	hold *cache.SpoolReader
}

// arrived is the hook of [verify.WithArrivals]; other files may come by, which are
// fetched for this one.
func (f *flight) arrived(a verify.Arrival) {
	if a.Request == f.req {
		f.approach.arrive(a)
	}
}

// arrive tells of an arrival who wants to know.
func (a *approach) arrive(one verify.Arrival) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.over {
		return
	}
	if !slices.ContainsFunc(a.seen, func(s approaching) bool { return s.Spool == one.Spool }) {
		a.seen = append(a.seen, approaching{one, one.Spool.Reader(context.Background())})
	}
	if len(a.seen) > maxApproaching {
		a.seen[0].hold.Close()
		a.seen = slices.Delete(a.seen, 0, 1)
	}
	for _, hook := range a.hooks {
		hook(one)
	}
}

// watch has hook told of what arrives, and of what is arriving already, until stop
// is called.
func (a *approach) watch(hook func(verify.Arrival)) (stop func()) {
	if hook == nil {
		return func() {}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, one := range a.seen {
		hook(one.Arrival)
	}
	if a.hooks == nil {
		a.hooks = map[int]func(verify.Arrival){}
	}
	a.joined++
	id := a.joined
	a.hooks[id] = hook
	return func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		delete(a.hooks, id)
	}
}

// end lets go of what has arrived. Nobody is told of anything later.
func (a *approach) end() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.over = true
	for _, one := range a.seen {
		one.hold.Close()
	}
	a.seen = nil
}
