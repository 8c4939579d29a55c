package verify

import (
	"context"
	"io"
	"sync"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/upstream"
)

// minFollow is the size, in bytes, from which on a zip is hashed while it arrives. A
// smaller one is hashed in a few milliseconds when it is here.
const minFollow = 256 << 10

// A following is the hashing on the way of one Fetch, whichever spools it takes. Of a
// nil *following nothing is hashed.
type following struct {
	ctx context.Context
	req upstream.Request
	all sync.WaitGroup // the followers' goroutines

	mu     sync.Mutex
	now    *follower // of the spool that was announced last
	closed bool
}

// followArrivals returns a context with which a zip that answers req is hashed on the
// way. The caller closes what it returns.
func followArrivals(ctx context.Context, req upstream.Request) (context.Context, *following) {
	if req.Kind() != upstream.Zip {
		return ctx, nil
	}
	f := &following{ctx: ctx, req: req}
	outer := ArrivalsOf(ctx)
	return WithArrivals(ctx, func(a Arrival) {
		f.begin(a)
		if outer != nil {
			outer(a)
		}
	}), f
}

// begin follows a spool instead of the one before. Somebody deeper down may announce
// another file, the same spool again, or one when our call has long returned.
func (f *following) begin(a Arrival) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed || a.Request != f.req || f.now.isOf(a.Spool) {
		return
	}
	f.now.abandon()
	if a.Size > 0 && a.Size < minFollow {
		return
	}
	f.now = newFollower(f.ctx, a.Spool, minFollow)
	f.all.Go(f.now.run)
}

// content is body, finished, with what is known of it. It must not be used when f is
// closed.
func (f *following) content(body *cache.SpoolReader) io.ReaderAt {
	if f == nil {
		return body
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.now.isOf(body.Spool()) {
		return body
	}
	return &followed{body, f.now}
}

// close gives up what is still being hashed, and returns when no goroutine is left.
func (f *following) close() {
	if f == nil {
		return
	}
	f.mu.Lock()
	f.closed = true
	f.now.abandon()
	f.mu.Unlock()
	f.all.Wait()
}

// followed is a zip that was hashed on the way, for HashZip. To everybody else it is
// the reader in it.
type followed struct {
	*cache.SpoolReader
	follower *follower
}

// followerOf returns who knows of content, and has it begin no other entry. It is nil
// where nobody does, and where not all of what has arrived is asked about.
func followerOf(content io.ReaderAt, size int64) *follower {
	f, ok := content.(*followed)
	if !ok || f.Spool().Size() != size {
		return nil
	}
	f.follower.settle()
	return f.follower
}
