package verify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/upstream"
)

// A download takes in one body from one source, which may come in pieces.
type download struct {
	ctx     context.Context
	req     upstream.Request
	source  upstream.Upstream
	opts    *SpoolOptions
	salvage *Salvage

	resumes int // how many are left

	spool    *cache.Spool
	point    upstream.ResumePoint // what the spool holds, if it can go on
	from     string               // the source of it
	furthest int64                // how much there has been, in bytes
}

// run returns the response, complete.
func (d *download) run() (*upstream.Response, error) {
	name := upstream.Name(d.source)
	d.spool, d.point, d.from = d.salvage.take(name, expectationOf(d.ctx, d.req) != nil)
	d.furthest = d.point.Offset
	for {
		asked := d.point.Offset
		resp, err := d.piece()
		if err == nil {
			return d.complete(resp), nil
		}
		if d.point.Offset > 0 && cannotResume(err) {
			d.close()
			continue
		}
		broke, ok := errors.AsType[*brokenOff](err)
		if asked > 0 && (!ok || broke.brought == 0) && d.ctx.Err() == nil {
			d.salvage.inVain(name)
		}
		if !ok {
			return nil, err
		}
		if d.resumes--; d.resumes < 0 || broke.brought == 0 || d.point.Offset < minResume || d.salvage.isVain(name) {
			return nil, broke.err
		}
	}
}

// takeIn takes in the body of a response that next has given already.
func takeIn(ctx context.Context, req upstream.Request, resp *upstream.Response, next upstream.Upstream) (*upstream.Response, error) {
	opts := (*SpoolOptions)(nil).withDefaults()
	d := &download{ctx: ctx, req: req, source: &given{next, resp}, opts: &opts}
	defer d.close()
	return d.run()
}

// given is a source that has answered.
type given struct {
	next upstream.Upstream
	resp *upstream.Response
}

func (g *given) Unwrap() upstream.Upstream { return g.next }

func (g *given) Fetch(context.Context, upstream.Request) (*upstream.Response, error) {
	return g.resp, nil
}

// brokenOff is the error of a piece after which the download might go on.
type brokenOff struct {
	err     error
	brought int64 // bytes more than there were before
}

func (e *brokenOff) Error() string { return e.err.Error() }

// piece asks the source for what is missing, and takes it in.
func (d *download) piece() (*upstream.Response, error) {
	ctx := d.ctx
	if d.req.Kind() == upstream.Zip { // also with nothing there: d.ctx may have the point of a download around this one
		ctx = upstream.WithResumePoint(ctx, d.point)
	}
	stop := d.watchSilence()
	resp, err := d.source.Fetch(ctx, d.req)
	stop()
	if err != nil {
		return nil, upstream.AsError(err, d.req, upstream.Name(d.source))
	}
	if resp == nil || resp.Body == nil {
		return nil, &upstream.Error{Request: d.req, Source: upstream.Name(d.source), Err: errNoResponse}
	}
	defer resp.Body.Close()
	own := *resp
	resp = &own
	resp.Source = cmp.Or(resp.Source, upstream.Name(d.source))
	if err := d.place(resp); err != nil {
		return nil, err
	}
	d.point = upstream.ResumePoint{}
	d.announce(resp)
	err = d.fill(resp)
	broke, ok := errors.AsType[*brokenOff](err)
	if !ok {
		return resp, err
	}
	broke.brought = max(0, d.spool.Size()-d.furthest)
	d.furthest = max(d.furthest, d.spool.Size())
	d.from = resp.Source
	if d.req.Kind() == upstream.Zip && resp.Validator != "" {
		d.point = upstream.ResumePoint{Offset: d.spool.Size(), Size: resp.Size, Validator: resp.Validator}
	}
	return nil, broke
}

// watchSilence reports a source that keeps silent when it is asked to go on: the
// first byte came long ago, and nobody else sees it.
func (d *download) watchSilence() (stop func() bool) {
	if d.point.Offset == 0 || d.opts.SlowWindow <= 0 || d.opts.SlowRate <= 0 {
		return func() bool { return false }
	}
	return time.AfterFunc(d.opts.SlowWindow, upstream.ProgressOf(d.ctx).Slow).Stop
}

// place makes the spool ready for a response: the one that there is, if the
// response goes on with it, and else a new one. What the response leaves unsaid
// is as it was for the pieces before.
func (d *download) place(resp *upstream.Response) error {
	switch {
	case resp.Offset == 0:
		d.close()
		d.begin(resp.Size)
		return nil
	case d.spool == nil || resp.Offset != d.spool.Size():
		err := fmt.Errorf("its answer begins at byte %d, which was not asked for", resp.Offset)
		return &upstream.Error{Request: d.req, Source: resp.Source, Err: err}
	case !sameWhole(resp, d.point, expectationOf(d.ctx, d.req) != nil):
		return &upstream.Error{Request: d.req, Source: resp.Source, Err: upstream.ErrCannotResume}
	}
	if resp.Size <= 0 {
		resp.Size = d.point.Size
	}
	resp.Validator = cmp.Or(resp.Validator, d.point.Validator)
	return nil
}

// begin makes a new spool for content of that size.
func (d *download) begin(size int64) {
	memory := int64(memorySpool)
	if d.req.Kind() == upstream.Zip {
		memory = 0 // checking a zip wants a file, and so does a store
	}
	d.spool = d.opts.New(memory)
	d.spool.Grow(min(size, d.req.Kind().MaxSize()))
}

// complete makes the response of a spool that is finished.
func (d *download) complete(resp *upstream.Response) *upstream.Response {
	if resp.Offset > 0 {
		spliceOf(d.ctx).happened()
	}
	out := *resp
	out.Size, out.Offset = d.spool.Size(), 0
	out.Body = d.spool.Reader(context.WithoutCancel(d.ctx))
	d.point = upstream.ResumePoint{}
	return &out
}

// close gives up the spool: to the salvage if another source might go on with
// it.
func (d *download) close() {
	if d.spool == nil {
		return
	}
	if d.point.Offset < minResume || !d.salvage.keep(d.spool, d.point, d.from) {
		d.spool.Close()
	}
	d.spool, d.point = nil, upstream.ResumePoint{}
}

// fill writes a body to the spool, and finishes it.
func (d *download) fill(resp *upstream.Response) error {
	// A body whose Read does not heed the context is ended by closing it.
	defer context.AfterFunc(d.ctx, func() { resp.Body.Close() })()
	w := &spoolWriter{spool: d.spool}
	limit := d.req.Kind().MaxSize() - resp.Offset
	body := watch(resp.Body, upstream.ProgressOf(d.ctx), d.opts)
	buf := buffers.Get().(*[]byte)
	n, err := io.CopyBuffer(w, io.LimitReader(untilDone{d.ctx, body}, limit+1), *buf)
	buffers.Put(buf)
	dead := body.stop()
	switch {
	case w.err != nil:
		return notKept(d.req, w.err)
	case d.ctx.Err() != nil && err != nil:
		return upstream.ContextError(d.ctx, d.req, resp.Source)
	case dead:
		return &brokenOff{err: &upstream.Error{Class: upstream.Timeout, Request: d.req, Source: resp.Source, Err: errDead}}
	case err != nil:
		return &brokenOff{err: d.brokeOff(resp, n, err)}
	case n > limit:
		err = fmt.Errorf("body is larger than the %d bytes allowed", d.req.Kind().MaxSize())
	case resp.Size > 0 && n+resp.Offset != resp.Size:
		err = fmt.Errorf("body has %d bytes, %d were announced", n+resp.Offset, resp.Size)
		if n+resp.Offset < resp.Size {
			return &brokenOff{err: &upstream.Error{Request: d.req, Source: resp.Source, Err: err}}
		}
	default:
		if err := d.spool.Finish(); err != nil {
			return notKept(d.req, err)
		}
		return nil
	}
	return &upstream.Error{Request: d.req, Source: resp.Source, Err: err}
}

// brokeOff is the error of a body that ended with err after n bytes: it says how
// much there was.
func (d *download) brokeOff(resp *upstream.Response, n int64, err error) error {
	e := *upstream.AsError(err, d.req, resp.Source)
	if e.Err == nil {
		return &e
	}
	at := fmt.Sprintf("after %d bytes", resp.Offset+n)
	if resp.Size > 0 {
		at = fmt.Sprintf("after %d of %d bytes", resp.Offset+n, resp.Size)
	}
	e.Err = fmt.Errorf("the body broke off %s: %w", at, e.Err)
	return &e
}

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
