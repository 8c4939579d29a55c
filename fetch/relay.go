package fetch

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"sync"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/verify"
)

// A relay hands a zip to a client while it arrives and is being verified, all but its
// tail. What ends a zip, and is what every reader of one looks for first, is sent when
// Fetch has returned; if that fails the connection is broken, and the client has no zip.
//
// While Fetch runs, the relay writes in a goroutine of its own, which halt waits for.
type relay struct {
	handler *handler
	req     upstream.Request
	http10  bool // the client's: nothing but a length tells it that an answer broke off
	w       *counted
	ctx     context.Context // ends when Fetch has returned
	stop    context.CancelFunc
	writing sync.WaitGroup

	mu       sync.Mutex
	arrivals []arriving    // that have not been looked at
	more     chan struct{} // has room for one: there are some
	started  bool

	// The goroutine's while it runs.
	from      *cache.SpoolReader // where what was sent came from; nil: nothing was sent
	source    string             // who sent it
	begun     bool               // the header was sent
	sent      int64
	announced int64 // the size in the header, in bytes; 0: none
	withhold  bool  // what comes next is the end of a zip
	err       error // of writing
	panicked  any   // by writing
}

// arriving is a zip that has begun to come.
type arriving struct {
	verify.Arrival
	body *cache.SpoolReader
}

// endOfZip begins the last record of a zip (APPNOTE.TXT, section 4.3.16), without
// which no reader takes a file for one. It may have up to 65535 bytes of comment.
const (
	endOfZip   = "PK\x05\x06"
	maxZipEnd  = 22 + 1<<16 - 1
	beginOfZip = "PK\x03\x04"

	// lookahead is how much of the mark of the end must be seen behind what is sent.
	lookahead = len(endOfZip) - 1
)

// mayRelay reports whether a request is for all of a zip, and this handler sends one
// before it has been verified.
func (x *exchange) mayRelay() bool {
	return x.opts.Stream && x.req.Kind() == upstream.Zip && x.r.Method == http.MethodGet && wishOf(x.r.Header) == everything
}

// fetch is the Fetcher's answer, of which the relay may have sent a part already.
func (x *exchange) fetch(ctx context.Context) (*upstream.Response, error) {
	if !x.mayRelay() {
		return checked(x.req)(x.fetcher.Fetch(ctx, x.req))
	}
	r := &relay{handler: x.handler, req: x.req, http10: !x.r.ProtoAtLeast(1, 1), w: x.count(), more: make(chan struct{}, 1)}
	r.ctx, r.stop = context.WithCancel(ctx)
	x.relay = r
	defer r.halt()
	return checked(x.req)(x.fetcher.Fetch(verify.WithArrivals(ctx, r.arrived), x.req))
}

// arrived is the hook of [verify.WithArrivals].
func (r *relay) arrived(a verify.Arrival) {
	if a.Request != r.req || a.Size <= 0 && r.http10 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ctx.Err() != nil {
		return
	}
	r.arrivals = append(r.arrivals, arriving{a, a.Spool.Reader(r.ctx)})
	if len(r.arrivals) > maxApproaching { // the client reads more slowly than sources fail
		r.arrivals[0].body.Close()
		r.arrivals = r.arrivals[1:]
	}
	if !r.started {
		r.started = true
		r.writing.Go(r.run)
	}
	select {
	case r.more <- struct{}{}:
	default:
	}
}

// halt ends the writing, and waits for it.
func (r *relay) halt() {
	r.mu.Lock()
	r.stop()
	for _, a := range r.arrivals {
		a.body.Close()
	}
	r.arrivals = nil
	r.mu.Unlock()
	r.writing.Wait()
	if r.panicked != nil {
		panic(r.panicked)
	}
}

// close lets go of what was sent from.
func (r *relay) close() {
	if r != nil && r.from != nil {
		r.from.Close()
	}
}

// hasBegun reports whether the client has a part of the answer.
func (r *relay) hasBegun() bool { return r != nil && r.begun }

// run sends what arrives, from one arrival after the other as they fail. A writer that
// panics does so in the goroutine of its handler.
func (r *relay) run() {
	defer func() { r.panicked = recover() }()
	for r.err == nil {
		next, ok := r.next()
		if !ok {
			return
		}
		if r.takeUp(next) {
			r.pass()
		} else {
			next.body.Close()
		}
	}
}

// next waits for an arrival that has not been looked at.
func (r *relay) next() (arriving, bool) {
	for {
		r.mu.Lock()
		if len(r.arrivals) > 0 {
			a := r.arrivals[0]
			r.arrivals = r.arrivals[1:]
			r.mu.Unlock()
			return a, true
		}
		r.mu.Unlock()
		select {
		case <-r.more:
		case <-r.ctx.Done():
			return arriving{}, false
		}
	}
}

// takeUp makes an arrival the one to send from: the first that begins as the zip of
// the module does, and after that one of which what was sent is the begin.
func (r *relay) takeUp(a arriving) bool {
	switch {
	case r.from == nil:
		if !r.beginsWell(a.body) {
			return false
		}
		r.announced, r.source = max(0, a.Size), a.Source
	case a.body.Spool() == r.from.Spool(), !r.begins(a.body):
		return false
	default:
		r.from.Close()
	}
	r.from = a.body
	return true
}

// beginsWell reports whether content begins as each module zip does, with a file of
// the module: what a broken server sends in place of a zip is not worth a broken
// connection.
func (r *relay) beginsWell(content io.ReaderAt) bool {
	prefix := r.req.Module() + "@" + r.req.Version() + "/"
	head := make([]byte, 30+len(prefix))
	_, err := content.ReadAt(head, 0)
	return err == nil && bytes.HasPrefix(head, []byte(beginOfZip)) && string(head[30:]) == prefix
}

// begins reports whether content begins with what was sent.
func (r *relay) begins(content io.ReaderAt) bool {
	return sameBytes(io.NewSectionReader(content, 0, r.sent), io.NewSectionReader(r.from, 0, r.sent))
}

// pass sends what may be sent already, until there is no more of it, or it fails.
func (r *relay) pass() {
	buf := relayBuffers.Get().(*[]byte)
	defer relayBuffers.Put(buf)
	for {
		n := r.ready()
		if n <= 0 || !r.send(*buf, n) {
			return
		}
	}
}

var relayBuffers = sync.Pool{New: func() any { b := make([]byte, 128<<10); return &b }}

// ready waits until there are bytes that may be sent, and returns how many; 0 if there
// will be none. As much as the end of a zip may take stays behind: of the size that was
// announced, and where there is none, of what is here.
func (r *relay) ready() int64 {
	for !r.withhold && r.ctx.Err() == nil {
		here, behind := r.from.Spool().Size(), int64(maxZipEnd)
		if r.announced > 0 {
			here, behind = min(here, r.announced-maxZipEnd), int64(lookahead)
		}
		if n := here - behind - r.sent; n > 0 {
			return n
		}
		r.flush()
		if here == r.announced-maxZipEnd {
			return 0
		}
		if _, err := r.from.ReadAt(make([]byte, 1), r.sent+behind); err != nil {
			return 0
		}
	}
	return 0
}

// send sends up to n bytes, and nothing from a mark that ends a zip on: also not where
// the mark begins in what was sent already, as it may where another spool goes on. It
// reports whether it could.
func (r *relay) send(buf []byte, n int64) bool {
	before := min(r.sent, int64(lookahead))
	buf = buf[:min(before+n+int64(lookahead), int64(len(buf)))]
	if _, err := r.from.ReadAt(buf, r.sent-before); err != nil {
		return false
	}
	end := len(buf) - lookahead
	if i := bytes.Index(buf, []byte(endOfZip)); i >= 0 {
		end, r.withhold = max(i, int(before)), true
	}
	if !r.begun {
		r.writeHeader()
	}
	var sent int
	sent, r.err = r.w.Write(buf[before:end])
	r.sent += int64(sent)
	return r.err == nil
}

func (r *relay) flush() {
	if r.hasBegun() && r.err == nil {
		if err := http.NewResponseController(r.w).Flush(); !errors.Is(err, http.ErrNotSupported) {
			r.err = err
		}
	}
}
