package fetch

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/upstream"
)

// What a flight brings is handed out when it has been verified, and stored afterwards:
// the time that a disk takes to make it last is nobody's who waits for it. Until it is
// stored, it is given to whoever asks. A process that dies in between has to fetch the
// file again.

// maxStoring is how much may be stored after those who waited have gone. Beyond that
// flights store first, so that sources which are faster than the disk wait for it.
const maxStoring = 64

// A storing is what is being stored while it is at hand. It is the Client's, so that
// its cores know of each other.
type storing struct {
	places chan struct{} // full of those that are taken

	mu       sync.Mutex
	byReq    map[upstream.Request][]*stored // several, where the same was asked in several ways
	unstored error                          // the first of what could not be stored, that nobody was told of
}

// A stored is one answer that is being stored.
type stored struct {
	req  upstream.Request
	resp *upstream.Response
	hold *cache.SpoolReader
	done chan struct{} // closed when it is stored, or could not be
}

func newStoring() *storing {
	return &storing{places: make(chan struct{}, maxStoring), byReq: map[upstream.Request][]*stored{}}
}

// begin makes a cargo known that is to be stored; nil if there is no place for it.
func (s *storing) begin(req upstream.Request, brought *cargo) *stored {
	select {
	case s.places <- struct{}{}:
	default:
		return nil
	}
	one := &stored{req, brought.resp, brought.spool.Reader(context.Background()), make(chan struct{})}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.byReq[req] = append(s.byReq[req], one)
	return one
}

func (s *storing) end(one *stored) {
	s.mu.Lock()
	left := slices.DeleteFunc(s.byReq[one.req], func(o *stored) bool { return o == one })
	if s.byReq[one.req] = left; len(left) == 0 {
		delete(s.byReq, one.req)
	}
	s.mu.Unlock()
	one.hold.Close()
	close(one.done)
	<-s.places
}

// find answers from what is being stored; nil if there is nothing of the kind. It is at
// hand, and nobody need be waited for: so it is for all who ask, whatever their way.
func (s *storing) find(req upstream.Request) *upstream.Response {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.byReq[req]
	if len(all) == 0 {
		return nil
	}
	resp := *all[0].resp
	resp.Body = all[0].hold.Spool().Reader(context.Background())
	resp.Cached, resp.Source = true, "memory"
	return &resp
}

// wait waits until what is known now is stored.
func (s *storing) wait(ctx context.Context) error {
	s.mu.Lock()
	var now []*stored
	for _, all := range s.byReq {
		now = append(now, all...)
	}
	s.mu.Unlock()
	for _, one := range now {
		select {
		case <-one.done:
		case <-ctx.Done():
			return upstream.ContextError(ctx, one.req, "")
		}
	}
	return nil
}

// failed takes note of why something could not be stored.
func (s *storing) failed(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.unstored == nil {
		s.unstored = err
	}
}

// takeFailure returns the first that was noted since it was taken last, or nil.
func (s *storing) takeFailure() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.unstored
	s.unstored = nil
	return err
}

// settle stores what a flight has brought.
func (fs *flights) settle(f *flight) {
	defer fs.storing.end(f.stored) // also if the store ends the goroutine
	fs.store(f.brought, f.req)
}

// store has the cargo stored. A store that panics has not stored it, and that is all.
func (fs *flights) store(brought *cargo, req upstream.Request) {
	var told error // in the log
	defer fs.contain(req, &told)
	brought.settleNow()
}

// storeFirst waits until the cargo is stored, in another goroutine: a store that ends
// it has not stored the cargo, and that is all.
func (fs *flights) storeFirst(brought *cargo, req upstream.Request) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		fs.store(brought, req)
	}()
	<-done
}

// beingStored is what is at hand, if it was verified as well as it must be today.
func (c *core) beingStored(req upstream.Request) *upstream.Response {
	resp := c.storing.find(req)
	if resp != nil && !c.trusts(req, resp.Verified) {
		resp.Body.Close()
		return nil
	}
	return resp
}

// Flush waits until everything that was answered so far is stored, which goes on for a
// moment after the answer, and is written where a Store writes later ([cache.Flush]).
// Close does so, too. The error is the first [*UnstoredError] since the last Flush, of
// which callers of Fetch are not told, for they have their answers; [Trace].Commit is
// told of each. When ctx ends, it is of class Canceled or Timeout, and what could not be
// stored is for the next Flush.
func (c *Client) Flush(ctx context.Context) error {
	if err := c.storing.wait(ctx); err != nil {
		return err
	}
	return errors.Join(c.storing.takeFailure(), cache.Flush(ctx, c.store))
}
