package fetch

import (
	"context"
	"net/http"
	"time"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/upstream"
)

// What is in memory, and fresh, is answered as it is there: no body, response
// or header is made for each request. The answer is the one that Fetch and
// http.ServeContent would come to, which see to all requests that are not plain.

// recall finds the request by its path alone, if it was answered from memory before:
// then it has been parsed, and is what the entry is kept under.
func (x *exchange) recall() bool {
	c, ok := x.fetcher.(*Client)
	path := x.r.URL.Path
	if !ok || path == "" || path[0] != '/' {
		return false
	}
	held := cache.Hold(c.store, path[1:])
	if held == nil {
		return false
	}
	in, _ := held.Memo.Load().(*inscription)
	if in == nil || in.handler != x.handler {
		return false
	}
	x.req, x.held = in.req, held
	return true
}

// serveHeld answers a plain request from memory, if what is there is fresh and need not
// be renewed, and reports whether it did.
func (x *exchange) serveHeld(caller string) bool {
	c, ok := x.fetcher.(*Client)
	asked := wishOf(x.r.Header)
	if !ok || asked == special || x.r.Header["Via"] != nil || x.req.Kind().SumDB() || c.closing.Load() {
		return false
	}
	core := c.core.Load()
	held := x.held
	if held == nil || x.opts.Authorize != nil || x.opts.Caller != nil { // who may have taken their time, while it was purged
		held = cache.Hold(core.store, x.req.Key())
	}
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
	if asked == change && !in.isHad(x.r.Header) {
		return false // it may have it all the same: http.ServeContent knows all the rules
	}
	x.writeHeld(c, held, in, asked, caller)
	return true
}

// writeHeld writes the answer, and tells whoever is told of answers.
func (x *exchange) writeHeld(c *Client, held *cache.Held, in *inscription, asked wish, caller string) {
	ctx, seen := c.watch.begin(x.r.Context(), x.req)
	seen.endHeld(ctx, held)
	x.note(in.resp, nil)
	if x.opts.Audit != nil {
		w := x.count()
		defer func() { x.auditAnswer(x.r, x.req, caller, in.resp, Decision{}, w) }()
	}
	header := x.w.Header()
	for _, f := range in.fields(asked) {
		header[f.name] = f.value
	}
	if !x.req.Immutable() {
		header["Age"] = in.ageOf(held)
	}
	if asked == change {
		x.w.WriteHeader(http.StatusNotModified)
	} else if x.r.Method != http.MethodHead {
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
