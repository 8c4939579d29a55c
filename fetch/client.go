package fetch

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/breakwater-go/breakwater/breaker"
	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/upstream"
)

// A Client is the [Fetcher] that [New] makes. Its methods may be called by many
// goroutines at once.
type Client struct {
	store   cache.Store
	owned   io.Closer // the store, if New opened it
	turns   turns
	watch   watch
	core    atomic.Pointer[core]
	later   *later
	storing *storing

	closing atomic.Bool
	life    context.Context // ends at Close
	end     context.CancelCauseFunc

	mu      sync.Mutex
	closed  bool
	retired map[*core]bool // which have been replaced and are not done
	retire  sync.WaitGroup // for them, look-ups that tell whether the store is well, and diagnoses
}

// New returns a Client for the given options; nil means the user's go settings
// and the defaults of [Options]. The options are copied. The error is what is wrong
// with them, or that the default store cannot be opened; that a source cannot be
// reached is none. The caller closes the Client.
func New(opts *Options) (*Client, error) {
	o := opts.withDefaults()
	p, err := o.plan()
	if err != nil {
		return nil, err
	}
	c := &Client{store: o.Store, retired: map[*core]bool{}, storing: newStoring()}
	c.life, c.end = context.WithCancelCause(context.Background())
	c.later = newLater(c.verifyLate)
	c.watch.counts.since = time.Now()
	c.watch.configure(o.Trace)
	if c.store == nil {
		if c.store, err = o.openStore(&c.watch); err != nil {
			return nil, errors.Join(err, p.close())
		}
		c.owned, _ = c.store.(io.Closer)
	}
	first, err := newCore(o, p, c.shared())
	if err != nil {
		return nil, errors.Join(err, c.closeStore())
	}
	c.core.Store(first)
	return c, nil
}

// Reconfigure has the Client work by other options from now on, as if it had
// been made with them: other sources, other limits. Only the store stays: Store,
// CacheDir and MemoryBytes are not looked at. Requests under way are finished by
// the old options, and later ones do not wait for them. What was learnt of the old
// sources, such as which are out, is forgotten. If there is anything wrong with the
// options, nothing changes, and the error says what it is.
func (c *Client) Reconfigure(opts *Options) error {
	o := opts.withDefaults()
	p, err := o.plan()
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return errors.Join(errClosed, p.close())
	}
	next, err := newCore(o, p, c.shared())
	if err != nil {
		return err
	}
	c.watch.configure(o.Trace)
	old := c.core.Swap(next)
	c.retired[old] = true
	c.retire.Go(func() {
		old.retire()
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.retired, old)
	})
	return nil
}

// Fetch answers req: from the store if it can, else from the sources. Errors
// are of type [*upstream.Error]. A file that came from a source is stored as soon as it
// was handed out; until then the Client has it, and [Client.Flush] waits for it.
//
// A zip can be read while it arrives, long before Fetch returns, by a hook in ctx
// ([verify.WithArrivals]). Nobody has verified then what it gives.
//
// With [upstream.WithOffline] in ctx, or Options.Offline, no source is asked.
// When ctx ends, Fetch returns at once; the download goes on for the others who
// wait for it, and for a short grace.
func (c *Client) Fetch(ctx context.Context, req upstream.Request) (resp *upstream.Response, err error) {
	ctx, seen := c.watch.begin(ctx, req)
	err = errBroken // if the store ends the goroutine, or panics
	defer func() { seen.end(ctx, resp, err) }()
	return c.fetch(ctx, req)
}

var errBroken = errors.New("the call broke off")

func (c *Client) fetch(ctx context.Context, req upstream.Request) (*upstream.Response, error) {
	if c.closing.Load() {
		return nil, &upstream.Error{Class: upstream.Canceled, Request: req, Err: errClosed}
	}
	for {
		now := c.core.Load()
		resp, err := now.fetch(ctx, req)
		if err == nil {
			now.prefetch.after(ctx, req, resp)
		}
		if err == nil || now == c.core.Load() || !errors.Is(err, errClosed) {
			return resp, err
		}
	}
}

// Name returns "breakwater", by which a Client that is another's source is
// known there.
func (c *Client) Name() string { return "breakwater" }

// Sources returns the names of the sources, in the order of the configuration.
func (c *Client) Sources() []string {
	var names []string
	for _, s := range sourcesOf(c.core.Load().source) {
		names = append(names, upstream.Name(s))
	}
	return names
}

// Ranking returns what is known of each source, the best first. With
// Options.Probe it is known of those, too, that nobody asks.
func (c *Client) Ranking() []breaker.Standing {
	now := c.core.Load()
	return breaker.Rank(sourcesOf(now.source), now.prober)
}

// during returns a context that ends with ctx and when the Client is closed, which
// waits until done is called; nil if it was closed.
func (c *Client) during(ctx context.Context) (_ context.Context, done func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || c.closing.Load() {
		return nil, nil
	}
	c.retire.Add(1)
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(c.life, func() { cancel(errClosed) })
	return ctx, func() {
		stop()
		cancel(nil)
		c.retire.Done()
	}
}

// Close ends the downloads and diagnoses under way, waits for them, and closes what New
// opened. Callers that still wait, and those that come later, get an error of
// class Canceled. Bodies that were handed out stay readable. Closing again does
// nothing.
func (c *Client) Close() error {
	c.closing.Store(true)
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return nil
	}
	c.closed = true
	cores := []*core{c.core.Load()}
	for old := range c.retired {
		cores = append(cores, old)
	}
	c.mu.Unlock()
	c.end(errClosed)
	c.later.close()
	for _, one := range cores {
		one.close()
	}
	c.retire.Wait()
	return c.closeStore()
}

func (c *Client) closeStore() error {
	if c.owned == nil {
		return nil
	}
	return c.owned.Close()
}
