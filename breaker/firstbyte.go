package breaker

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
)

// fetchWithin asks next, and ends the call with cause when it is silent for d. It
// reports whether that is what happened.
func fetchWithin(ctx context.Context, next upstream.Upstream, req upstream.Request, d time.Duration, cause error) (resp *upstream.Response, err error, late bool) {
	ctx, cancel := context.WithCancelCause(ctx)
	ctx, progress := upstream.WithProgress(ctx)
	timer := time.AfterFunc(d, func() {
		if !progress.Begun() {
			cancel(cause)
		}
	})
	defer timer.Stop()
	resp, err = next.Fetch(ctx, req)
	if err != nil || resp == nil || resp.Body == nil {
		late = errors.Is(context.Cause(ctx), cause)
		cancel(nil)
		return resp, err, late
	}
	if _, complete := resp.Body.(io.ReaderAt); complete {
		cancel(nil)
		return resp, nil, false
	}
	out := *resp
	out.Body = stream{resp.Body, cancel}
	return &out, nil, false
}

// A stream needs its context until it is closed.
type stream struct {
	io.ReadCloser
	cancel context.CancelCauseFunc
}

func (s stream) Close() error {
	defer s.cancel(nil)
	return s.ReadCloser.Close()
}
