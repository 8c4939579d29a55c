package upstreamtest_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/upstream/upstreamtest"
)

// around returns middleware that hands every result to f.
func around(f func(ctx context.Context, req upstream.Request, resp *upstream.Response, err error) (*upstream.Response, error)) upstream.Middleware {
	return func(u upstream.Upstream) upstream.Upstream {
		return upstream.Func(func(ctx context.Context, req upstream.Request) (*upstream.Response, error) {
			resp, err := u.Fetch(ctx, req)
			return f(ctx, req, resp, err)
		})
	}
}

// spoiled changes what is served, and leaves errors alone.
func spoiled(f func(*upstream.Response)) upstream.Middleware {
	return around(func(_ context.Context, _ upstream.Request, resp *upstream.Response, err error) (*upstream.Response, error) {
		if err == nil {
			f(resp)
		}
		return resp, err
	})
}

// failing changes errors of one class.
func failing(class upstream.Class, f func(*upstream.Error) error) upstream.Middleware {
	return around(func(_ context.Context, _ upstream.Request, resp *upstream.Response, err error) (*upstream.Response, error) {
		if e, ok := errors.AsType[*upstream.Error](err); ok && e.Class == class {
			return nil, f(e)
		}
		return resp, err
	})
}

// reading puts another reader in front of a body.
func reading(f func(io.Reader) io.Reader) upstream.Middleware {
	return spoiled(func(resp *upstream.Response) {
		resp.Body = struct {
			io.Reader
			io.Closer
		}{f(resp.Body), resp.Body}
	})
}

// once is a body that may be closed only once.
type once struct {
	io.Reader
	closed bool
}

func (o *once) Close() error {
	if o.closed {
		panic("closed twice")
	}
	o.closed = true
	return nil
}

func TestBrokenUpstreams(t *testing.T) {
	var calls atomic.Int64
	tests := []struct {
		name  string
		spoil upstream.Middleware
		want  string // part of the finding
	}{
		{"no source", spoiled(func(r *upstream.Response) { r.Source = "" }), "names no Source"},
		{"wrong size", spoiled(func(r *upstream.Response) { r.Size++ }), "Size is"},
		{"no body", spoiled(func(r *upstream.Response) { r.Body = nil }), "has no Body"},
		{"truncated", reading(func(r io.Reader) io.Reader { return io.LimitReader(r, 3) }), "the Body is"},
		{"longer", reading(func(r io.Reader) io.Reader { return io.MultiReader(r, strings.NewReader("x")) }), "the Body is"},
		{"breaks off", reading(func(r io.Reader) io.Reader {
			return io.MultiReader(io.LimitReader(r, 1), iotest.ErrReader(io.ErrUnexpectedEOF))
		}), "breaks off"},
		{"closes once", spoiled(func(r *upstream.Response) { r.Body = &once{Reader: r.Body} }), "closing the Body twice panics"},
		{"close fails", spoiled(func(r *upstream.Response) { r.Body = failingClose{r.Body} }), "close failed"},
		{"plain error", failing(upstream.NotFound, func(*upstream.Error) error { return fs.ErrNotExist }), "want an *upstream.Error"},
		{"absence looks like outage", failing(upstream.NotFound, func(e *upstream.Error) error {
			return &upstream.Error{Request: e.Request}
		}), `of class "unavailable"`},
		{"error of another request", failing(upstream.NotFound, func(e *upstream.Error) error {
			return &upstream.Error{Class: upstream.NotFound}
		}), "about another request"},
		{"cancel looks like absence", failing(upstream.Canceled, func(e *upstream.Error) error {
			return &upstream.Error{Class: upstream.NotFound, Request: e.Request}
		}), `want "canceled"`},
		{"deadline looks like cancel", failing(upstream.Timeout, func(e *upstream.Error) error {
			return &upstream.Error{Class: upstream.Canceled, Request: e.Request}
		}), `want "timeout"`},
		{"ignores ctx", func(u upstream.Upstream) upstream.Upstream {
			return upstream.Func(func(ctx context.Context, req upstream.Request) (*upstream.Response, error) {
				return u.Fetch(context.WithoutCancel(ctx), req)
			})
		}, "ctx that had ended"},
		{"hangs", func(u upstream.Upstream) upstream.Upstream {
			return upstream.Func(func(ctx context.Context, req upstream.Request) (*upstream.Response, error) {
				if ctx.Err() != nil {
					time.Sleep(time.Hour)
				}
				return u.Fetch(ctx, req)
			})
		}, "has not returned"},
		{"panics", around(func(_ context.Context, req upstream.Request, resp *upstream.Response, err error) (*upstream.Response, error) {
			if req.Kind() == 0 {
				panic("no such kind")
			}
			return resp, err
		}), "Fetch panics"},
		{"serves the zero Request", around(func(_ context.Context, req upstream.Request, resp *upstream.Response, err error) (*upstream.Response, error) {
			if req.Kind() == 0 {
				return &upstream.Response{Body: io.NopCloser(strings.NewReader("")), Source: "x"}, nil
			}
			return resp, err
		}), "the zero Request: served"},
		{"serves everything", around(func(_ context.Context, _ upstream.Request, resp *upstream.Response, err error) (*upstream.Response, error) {
			if upstream.ClassOf(err) == upstream.NotFound {
				return &upstream.Response{Body: io.NopCloser(strings.NewReader("")), Source: "x"}, nil
			}
			return resp, err
		}), "though it does not exist"},
		{"serves nothing", around(func(_ context.Context, req upstream.Request, _ *upstream.Response, _ error) (*upstream.Response, error) {
			return nil, &upstream.Error{Class: upstream.NotFound, Request: req}
		}), "not served"},
		{"neither", around(func(context.Context, upstream.Request, *upstream.Response, error) (*upstream.Response, error) {
			return nil, nil
		}), "neither a Response nor an error"},
		{"both", around(func(_ context.Context, req upstream.Request, resp *upstream.Response, _ error) (*upstream.Response, error) {
			return resp, &upstream.Error{Request: req}
		}), "a Response beside the error"},
		{"one caller at a time", func(u upstream.Upstream) upstream.Upstream { return &exclusive{u: u, calls: &calls} }, "asked by many at once"},
		{"group that forgets", func(u upstream.Upstream) upstream.Upstream { return forgetful{u} }, "rebuilt from its members"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				err := upstreamtest.Test(test.spoil(memory(shelf)), shelf)
				if err == nil || !strings.Contains(err.Error(), test.want) {
					t.Errorf("found %v\nwant %q", err, test.want)
				}
				time.Sleep(2 * time.Hour) // of the bubble: what hangs comes to its end
			})
		})
	}
}

type failingClose struct{ io.ReadCloser }

func (failingClose) Close() error { return errors.New("close failed") }

// exclusive fails whoever comes while another caller is inside.
type exclusive struct {
	u     upstream.Upstream
	calls *atomic.Int64
}

func (x *exclusive) Fetch(ctx context.Context, req upstream.Request) (*upstream.Response, error) {
	defer x.calls.Add(-1)
	if x.calls.Add(1) > 1 {
		return nil, &upstream.Error{Class: upstream.Overloaded, Request: req}
	}
	time.Sleep(time.Second) // of the bubble: everybody else arrives meanwhile
	return x.u.Fetch(ctx, req)
}

// forgetful is a group that loses its members when it is rebuilt.
type forgetful struct{ upstream.Upstream }

func (f forgetful) Members() []upstream.Upstream               { return []upstream.Upstream{f.Upstream} }
func (f forgetful) With([]upstream.Upstream) upstream.Upstream { return upstream.Mirrors() }

func TestWantMustBeUsable(t *testing.T) {
	for _, want := range []map[string]string{nil, {}, {"../x": ""}, {"/a.b/@v/list": ""}} {
		if upstreamtest.Test(memory(shelf), want) == nil {
			t.Errorf("want %v is accepted", want)
		}
	}
}
