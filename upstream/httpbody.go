package upstream

import (
	"context"
	"fmt"
	"io"
	"sync/atomic"
	"time"
)

// timeoutError is a bound on time that was met. It is a net.Error, so it is
// sorted with the timeouts of package net.
type timeoutError string

func (e timeoutError) Error() string { return string(e) }
func (timeoutError) Timeout() bool   { return true }
func (timeoutError) Temporary() bool { return true }

const (
	errFirstByte = timeoutError("no response in time")
	errStalled   = timeoutError("the body stopped arriving")
)

func tooLarge(limit int64) error {
	return fmt.Errorf("body is larger than the %d bytes allowed", limit)
}

// A watchdog ends a context with a cause unless it is reset in time.
type watchdog struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	after  time.Duration // 0: no bound
	why    atomic.Value  // the error that the timer ends ctx with
	timer  *time.Timer   // nil: there was no bound yet
}

func startWatchdog(ctx context.Context, after time.Duration, why error) *watchdog {
	w := &watchdog{}
	w.ctx, w.cancel = context.WithCancelCause(ctx)
	w.next(after, why)
	return w
}

// next replaces the bound.
func (w *watchdog) next(after time.Duration, why error) {
	w.pause()
	w.after = max(0, after)
	w.why.Store(why)
	if w.timer == nil && w.after > 0 {
		w.timer = time.AfterFunc(w.after, func() { w.cancel(w.why.Load().(error)) })
		return
	}
	w.reset()
}

func (w *watchdog) reset() {
	if w.after > 0 {
		w.timer.Reset(w.after)
	}
}

// pause lifts the bound until the next reset: a caller who does not read for a
// while is not a source that sends nothing.
func (w *watchdog) pause() {
	if w.timer != nil {
		w.timer.Stop()
	}
}

// stop may run beside reset and pause: a body is closed to end a Read, too.
func (w *watchdog) stop() {
	w.pause()
	w.cancel(nil)
}

// cause returns the reason why the watchdog ended the context, or else err.
func (w *watchdog) cause(err error) error {
	if why, ok := context.Cause(w.ctx).(timeoutError); ok {
		return why
	}
	return err
}

// httpBody is a response body that ends with an *Error when it breaks off,
// stands still or grows too large.
type httpBody struct {
	source *httpSource
	ctx    context.Context // the caller's
	req    Request
	guard  *watchdog
	body   io.ReadCloser
	left   int64
}

func (b *httpBody) Read(p []byte) (int, error) {
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	b.guard.reset()
	n, err := b.body.Read(p)
	b.guard.pause()
	if b.left -= int64(n); b.left < 0 {
		return 0, &Error{Request: b.req, Source: b.source.name, Err: tooLarge(b.req.Kind().MaxSize())}
	}
	if err != nil && err != io.EOF {
		return n, b.source.fail(b.ctx, b.req, b.guard.cause(err))
	}
	return n, err
}

func (b *httpBody) Close() error {
	err := b.body.Close()
	b.guard.stop()
	return err
}
