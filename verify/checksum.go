package verify

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/upstream"
	"golang.org/x/mod/module"
)

// An Expectation is the question of what a module version must hash to, asked
// once for a download, beside it, whichever and however many sources are tried. Any
// number of goroutines may wait for it.
type Expectation struct {
	module   module.Version
	kind     upstream.Kind
	verifier Verifier
	done     chan struct{}
	sums     Sums
	err      error
}

// Begin asks v about a file of m in the background. The question ends with ctx;
// the caller waits for it with [Expectation.Wait] before it returns.
func Begin(ctx context.Context, v Verifier, m module.Version, k upstream.Kind) *Expectation {
	e := &Expectation{module: m, kind: k, verifier: v, done: make(chan struct{})}
	go func() {
		defer close(e.done)
		defer func() {
			if p := recover(); p != nil { // nobody else would, in this goroutine
				e.err = &upstream.Error{Subject: m.String(), Err: fmt.Errorf("the Verifier panicked: %v", p)}
			}
		}()
		e.sums, e.err = v.Expect(ctx, m, k)
	}()
	return e
}

// Wait returns the answer. The error is that of Expect, or ctx's.
func (e *Expectation) Wait(ctx context.Context) (Sums, error) {
	select {
	case <-e.done:
		return e.sums, e.err
	case <-ctx.Done():
		return Sums{}, upstream.ContextError(ctx, upstream.Request{}, "")
	}
}

type expectationKey struct{}

// WithExpectation returns a context in which [Checksums] compares what sources
// send with what e says.
func WithExpectation(ctx context.Context, e *Expectation) context.Context {
	return context.WithValue(ctx, expectationKey{}, e)
}

// expectationOf returns the Expectation for req; nil for none. One for another
// file may be in the context, too: of whoever asks a Fetcher that asks a checksum
// database for this. To wait for it could be to wait for oneself.
func expectationOf(ctx context.Context, req upstream.Request) *Expectation {
	e, _ := ctx.Value(expectationKey{}).(*Expectation)
	if e == nil || req.Kind() != e.kind || req.Module() != e.module.Path || req.Version() != e.module.Version {
		return nil
	}
	return e
}

// Checksums returns middleware for one source that compares the zips and go.mod
// files that it sends with the [Expectation] in the context. Bytes that do not
// match are the source's failure, of class Untrusted with a [*MismatchError].
// Where the expectation itself failed, or there is none, the answer passes
// through unmarked: that is not the source's failure, and what to do about it is
// for whoever began the expectation to say.
//
// The entries of a large zip are hashed while it arrives, which Check has the use
// of if it hands its content to [HashZip] as it is.
//
// Only a zip that was put together from pieces, and for which the expectation failed,
// has no way through but [Mend]'s: a clean download. Checksums belongs around
// [Structure] and [Spooled]: an answer that is not spooled cannot be compared, and is
// an error.
func Checksums() upstream.Middleware {
	return func(next upstream.Upstream) upstream.Upstream { return &checksums{next} }
}

type checksums struct{ next upstream.Upstream }

func (c *checksums) Unwrap() upstream.Upstream { return c.next }

func (c *checksums) Fetch(ctx context.Context, req upstream.Request) (*upstream.Response, error) {
	e := expectationOf(ctx, req)
	if e == nil {
		return c.next.Fetch(ctx, req)
	}
	ctx, following := followArrivals(ctx, req)
	defer following.close()
	resp, err := c.next.Fetch(ctx, req)
	if err != nil {
		return resp, err
	}
	sums, err := e.Wait(ctx)
	if err != nil {
		if ctx.Err() != nil {
			resp.Body.Close()
			return nil, upstream.ContextError(ctx, req, resp.Source)
		}
		if spliceOf(ctx).is() {
			resp.Body.Close()
			return nil, &upstream.Error{Request: req, Err: errors.New("put together from pieces, and not to be checked")}
		}
		return resp, nil
	}
	body, ok := resp.Body.(*cache.SpoolReader)
	if !ok {
		resp.Body.Close()
		return nil, &upstream.Error{Request: req, Source: resp.Source, Err: errors.New("checksums are for spooled answers")}
	}
	m := module.Version{Path: req.Module(), Version: req.Version()}
	if err := e.verifier.Check(m, req.Kind(), following.content(body), resp.Size, sums); err != nil {
		resp.Body.Close()
		return nil, mismatch(req, resp.Source, err)
	}
	out := *resp
	out.Verified = sums.Mark(req.Kind())
	return &out, nil
}

// mismatch makes the error for a failed Check: the source's failure, unless it
// was our own file that could not be read.
func mismatch(req upstream.Request, source string, err error) error {
	if _, ok := errors.AsType[*fs.PathError](err); ok {
		return &upstream.Error{Request: req, Err: err}
	}
	return &upstream.Error{Class: upstream.Untrusted, Request: req, Source: source, Err: err}
}
