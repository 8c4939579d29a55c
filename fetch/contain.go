package fetch

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"

	"github.com/breakwater-go/breakwater/upstream"
)

// contain returns middleware that makes a failure of a panic, in a source or
// while its body is read, so that the next source is asked and the program
// lives. The stack goes to the log and not to strangers. So does each lie of a
// source, for the caller may get the right bytes from another.
func contain(log *slog.Logger) upstream.Middleware {
	return func(next upstream.Upstream) upstream.Upstream {
		return &contained{next, log}
	}
}

type contained struct {
	next upstream.Upstream
	log  *slog.Logger
}

func (c *contained) Unwrap() upstream.Upstream { return c.next }

func (c *contained) Fetch(ctx context.Context, req upstream.Request) (resp *upstream.Response, err error) {
	name := upstream.Name(c.next)
	defer func() {
		if p := recover(); p != nil {
			c.log.Error("a source panicked", "source", name, "key", req.Key(), "panic", p, "stack", string(debug.Stack()))
			resp, err = nil, &upstream.Error{Request: req, Source: name, Err: fmt.Errorf("it panicked: %v", p)}
		}
	}()
	resp, err = c.next.Fetch(ctx, req)
	if err != nil {
		e := upstream.AsError(err, req, name)
		if e.Class == upstream.Untrusted {
			c.log.Warn("a source sent what it should not have", "source", name, "key", req.Key(), "error", e)
		}
		return nil, e
	}
	return resp, nil
}
