package fetch

import (
	"context"
	"sync"
	"time"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/upstream"
)

// Processes that share a store ask once for what it lacks: who asks holds the
// store's lock of the key until it is stored. For a module file that is a flight.
// For a checksum database's record or tile it is the engine, since what a flight
// brings is not stored before other answers have proven it: so the flights of the
// database hold no lock, and what they are asked from within may.
//
// Nobody waits for who waits for him. A module file's lock is held while the
// record's is waited for, that of a record while those of tiles are, which are
// taken in the order of their names, and that of a tile while a source is asked.
// What comes back from a source to the same store, through another proxy or in the
// same process, takes no lock.
//
// A tree head changes, and each process asks for itself. So it does for tiles that
// prove a new head, and for whether the proxies support the database.

// lockWait bounds the wait for another process: it may have sources that hang, or
// hang itself, while ours are well.
const lockWait = 10 * time.Second

// turns are the keys that somebody in this process asks for, or waits for another
// process to. They are the Client's, so that its cores know of each other.
type turns struct {
	mu    sync.Mutex
	taken map[string]*turn
}

type turn struct {
	core *core
	ctx  context.Context // for its priority
	over chan struct{}   // closed when err is set
	err  error           // the outcome, if it is that of others, too
}

// begin returns the caller's own turn, or another's that is not over.
func (ts *turns) begin(ctx context.Context, c *core, key string) (own, other *turn) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if other := ts.taken[key]; other != nil {
		return nil, other
	}
	if ts.taken == nil {
		ts.taken = map[string]*turn{}
	}
	own = &turn{core: c, ctx: ctx, over: make(chan struct{})}
	ts.taken[key] = own
	return own, nil
}

func (ts *turns) end(key string, own *turn, outcome error) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if own.ctx.Err() == nil {
		own.err = outcome
	}
	delete(ts.taken, key)
	close(own.over)
}

// takeTurn waits until nobody else who shares the store is asking for req: then it
// may be there. Where there is no lock, or it cannot be had in time, the file is
// asked for all the same. The caller calls over with its outcome. Who waited for
// another in this process gets that one's failure, if it failed.
func (c *core) takeTurn(ctx context.Context, req upstream.Request) (held context.Context, over func(outcome error), err error) {
	freely := func(error) {}
	if holds(ctx, req) || isRelayed(ctx) {
		return ctx, freely, nil
	}
	waiting, stop := context.WithTimeout(ctx, lockWait)
	defer stop()
	own, other := c.turns.begin(ctx, c, req.Key())
	if own == nil {
		return ctx, freely, c.await(waiting, other)
	}
	unlock := c.lockAcross(waiting, req.Key(), own)
	return holding(ctx, req), func(outcome error) {
		unlock()
		c.turns.end(req.Key(), own, outcome)
	}, nil
}

// await waits for a turn to be over, and returns its failure. That of another core
// is not waited for, which may have sources that were taken out because they hang;
// nor is one of less priority, which joining its flight raises.
func (c *core) await(ctx context.Context, other *turn) error {
	if other.core != c || upstream.PriorityOf(ctx) < upstream.PriorityOf(other.ctx) {
		return nil
	}
	select {
	case <-other.over:
		return other.err
	case <-ctx.Done(): // whoever asks finds out whether that is the caller's end
		return nil
	}
}

// lockAcross locks a key against other processes. A store that panics ends the
// turn, too.
func (c *core) lockAcross(ctx context.Context, key string, own *turn) (unlock func()) {
	defer func() {
		if unlock == nil {
			c.turns.end(key, own, nil)
		}
	}()
	locked, err := cache.Lock(ctx, c.store, key)
	if err == nil {
		return locked
	}
	if own.ctx.Err() == nil {
		c.log.Warn("no lock on the cache; the file may be fetched twice", "key", key, "error", err)
	}
	return func() {}
}

// A hold is what a context carries of the turns that its caller has.
type hold struct {
	req   upstream.Request
	outer *hold
}

type holdKey struct{}

func holding(ctx context.Context, req upstream.Request) context.Context {
	outer, _ := ctx.Value(holdKey{}).(*hold)
	return context.WithValue(ctx, holdKey{}, &hold{req, outer})
}

// holds reports whether the call comes from who has the turn: it would wait for
// itself.
func holds(ctx context.Context, req upstream.Request) bool {
	h, _ := ctx.Value(holdKey{}).(*hold)
	for ; h != nil; h = h.outer {
		if h.req == req {
			return true
		}
	}
	return false
}

// isNested reports whether the call comes from who has a turn that others wait
// for, and must not wait for them. What a checksum database's flight brings is
// wanted by who has turns, but it takes none: it is the same for all.
func isNested(ctx context.Context, req upstream.Request) bool {
	return ctx.Value(holdKey{}) != nil && !req.Kind().SumDB()
}
