package verify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/upstream"
)

// memorySpool is how much of a small file is held in memory, in bytes.
const memorySpool = 1 << 20

// Spooled returns middleware that takes in a source's whole body before Fetch
// returns. The Body of its responses is a [*cache.SpoolReader] at the start of
// the finished content, and Size is its size.
//
// newSpool makes the spool: it is given how many bytes may stay in memory, and
// is usually [cache.SpoolFor] of the store that will get the content. Nil means
// [cache.NewSpool].
//
// A body that breaks off, is longer than [upstream.Kind.MaxSize] or not as long
// as announced is the source's failure. A spool that cannot be written is not:
// that error names no Source.
func Spooled(newSpool func(memory int64) *cache.Spool) upstream.Middleware {
	if newSpool == nil {
		newSpool = tempSpool
	}
	return func(next upstream.Upstream) upstream.Upstream {
		return &spooled{next, newSpool}
	}
}

func tempSpool(memory int64) *cache.Spool { return cache.NewSpool(memory) }

type spooled struct {
	next     upstream.Upstream
	newSpool func(memory int64) *cache.Spool
}

func (s *spooled) Unwrap() upstream.Upstream { return s.next }

func (s *spooled) Fetch(ctx context.Context, req upstream.Request) (*upstream.Response, error) {
	resp, err := s.next.Fetch(ctx, req)
	if err != nil {
		return nil, err
	}
	if resp == nil || resp.Body == nil {
		return nil, &upstream.Error{Request: req, Source: upstream.Name(s.next), Err: errNoResponse}
	}
	if resp.Source == "" {
		named := *resp
		named.Source = upstream.Name(s.next)
		resp = &named
	}
	return takeIn(ctx, req, resp, s.newSpool)
}

var errNoResponse = errors.New("it returned neither a response with a body nor an error")

// takeIn reads resp's body into a spool and returns resp with that as its body.
// The spool lives as long as the body.
func takeIn(ctx context.Context, req upstream.Request, resp *upstream.Response, newSpool func(int64) *cache.Spool) (*upstream.Response, error) {
	defer resp.Body.Close()
	// A body whose Read does not heed ctx is ended by closing it.
	defer context.AfterFunc(ctx, func() { resp.Body.Close() })()
	memory := int64(memorySpool)
	if req.Kind() == upstream.Zip {
		memory = 0 // checking a zip wants a file, and so does a store
	}
	spool := newSpool(memory)
	defer spool.Close()
	spool.Grow(min(resp.Size, req.Kind().MaxSize()))
	if err := fill(ctx, spool, req, resp); err != nil {
		return nil, err
	}
	out := *resp
	out.Size = spool.Size()
	out.Body = spool.Reader(context.WithoutCancel(ctx))
	return &out, nil
}

func fill(ctx context.Context, spool *cache.Spool, req upstream.Request, resp *upstream.Response) error {
	w := &spoolWriter{spool: spool}
	limit := req.Kind().MaxSize()
	buf := buffers.Get().(*[]byte)
	n, err := io.CopyBuffer(w, io.LimitReader(untilDone{ctx, resp.Body}, limit+1), *buf)
	buffers.Put(buf)
	switch {
	case w.err != nil:
		return notKept(req, w.err)
	case ctx.Err() != nil && err != nil:
		return upstream.ContextError(ctx, req, resp.Source)
	case err != nil:
		return upstream.AsError(err, req, resp.Source)
	case n > limit:
		err = fmt.Errorf("body is larger than the %d bytes allowed", limit)
	case resp.Size > 0 && n != resp.Size:
		err = fmt.Errorf("body has %d bytes, %d were announced", n, resp.Size)
	default:
		if err := spool.Finish(); err != nil {
			return notKept(req, err)
		}
		return nil
	}
	return &upstream.Error{Request: req, Source: resp.Source, Err: err}
}

// notKept is the error of our own failure, for which no source is to blame.
func notKept(req upstream.Request, err error) error {
	return &upstream.Error{Request: req, Err: fmt.Errorf("keeping the download: %w", err)}
}

var buffers = sync.Pool{New: func() any { b := make([]byte, 128<<10); return &b }}

// untilDone ends reading when ctx ends, also for a reader that gives nothing.
type untilDone struct {
	ctx context.Context
	r   io.Reader
}

func (u untilDone) Read(p []byte) (int, error) {
	if u.ctx.Err() != nil {
		return 0, context.Cause(u.ctx)
	}
	return u.r.Read(p)
}

// spoolWriter tells an error of writing from one of reading.
type spoolWriter struct {
	spool *cache.Spool
	err   error
}

func (w *spoolWriter) Write(p []byte) (int, error) {
	n, err := w.spool.Write(p)
	w.err = err
	return n, err
}
