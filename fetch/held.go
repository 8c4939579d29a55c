package fetch

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/upstream"
)

// What is in memory, and fresh, is answered as it is there: no body, response
// or header is made for each request. The answer is the one that Fetch and
// http.ServeContent would come to, which see to all requests that are not plain.

// An inscription is what a handler has made of an entry in memory, kept with it.
type inscription struct {
	handler *handler
	core    uint64 // the id of the core by whose options it may be handed out
	header  map[string][]string
	resp    *upstream.Response // what Fetch would return, but for its body
}

// serveHeld answers a plain request from memory, if what is there is fresh and need not
// be renewed, and reports whether it did.
func (x *exchange) serveHeld(caller string) bool {
	c, ok := x.fetcher.(*Client)
	if !ok || x.req.Kind().SumDB() || !isPlain(x.r.Header) || c.closing.Load() {
		return false
	}
	core := c.core.Load()
	held := cache.Hold(core.store, x.req.Key())
	if held == nil || !x.req.Immutable() && (core.judge(x.req, held.Fetched) != fresh || core.isDue(x.req, held.Fetched)) {
		return false
	}
	in, _ := held.Memo.Load().(*inscription)
	if in == nil || in.handler != x.handler || in.core != core.id {
		if in = x.inscribe(core, held); in == nil {
			return false
		}
		held.Memo.Store(in)
	}
	x.writeHeld(c, held, in, caller)
	return true
}

// isPlain reports whether a request wants all of a file, whatever the client has of it.
func isPlain(h http.Header) bool {
	for _, field := range [...]string{"Range", "If-Range", "If-None-Match", "If-Modified-Since", "If-Match", "If-Unmodified-Since", "Via"} {
		if _, ok := h[field]; ok {
			return false
		}
	}
	return true
}

// inscribe makes the header of an answer, if the entry may be handed out.
func (x *exchange) inscribe(c *core, held *cache.Held) *inscription {
	if c.refuse(x.req) != nil || !c.trusts(x.req, held.Verified) {
		return nil
	}
	header, resp := http.Header{}, heldResponse(held)
	x.writeHeader(header, x.req, resp)
	header.Set("Content-Length", strconv.Itoa(len(held.Content)))
	header.Set("Accept-Ranges", "bytes")
	if !held.ModTime.IsZero() {
		header.Set("Last-Modified", held.ModTime.UTC().Format(http.TimeFormat))
	}
	return &inscription{x.handler, c.id, header, resp}
}

// writeHeld writes the answer, and tells whoever is told of answers.
func (x *exchange) writeHeld(c *Client, held *cache.Held, in *inscription, caller string) {
	ctx, seen := c.watch.begin(x.r.Context(), x.req)
	seen.endHeld(ctx, held)
	x.note(in.resp, nil)
	if x.opts.Audit != nil {
		w := x.count()
		defer func() { x.auditAnswer(x.r, x.req, caller, in.resp, Decision{}, w) }()
	}
	header := x.w.Header()
	for field, value := range in.header {
		header[field] = value
	}
	if !x.req.Immutable() {
		x.writeAge(header, held.Fetched)
	}
	if x.r.Method != http.MethodHead {
		x.w.Write(held.Content) // whose error is that the client has gone; it is noted where that is told
	}
}

// heldResponse is the response that Fetch would return, but for its body.
func heldResponse(held *cache.Held) *upstream.Response {
	return &upstream.Response{
		Size: int64(len(held.Content)), ModTime: held.ModTime, Source: held.Layer, Cached: true,
		Origin: held.Origin, Fetched: held.Fetched, Verified: held.Verified, Digest: held.Digest.String(),
	}
}

// endHeld is end for an answer from memory.
func (s sighting) endHeld(ctx context.Context, held *cache.Held) {
	s.watch.counts.outcomes[HitMemory].Add(1)
	if s.trace.RequestEnd != nil {
		s.trace.RequestEnd(ctx, RequestEnd{
			Request: s.req, Begun: s.begun, Took: time.Since(s.begun), Outcome: HitMemory, Source: held.Layer, Size: int64(len(held.Content)),
		})
	}
}
