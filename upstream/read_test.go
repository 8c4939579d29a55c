package upstream_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/fstest"
	"testing/iotest"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/module"
)

var shelf = fstest.MapFS{
	"github.com/!x/@v/list":        {Data: []byte("v1.0.0\nv1.1.0\n")},
	"github.com/!x/@latest":        {Data: []byte(`{"Version":"v1.1.0"}`)},
	"github.com/!x/@v/v1.0.0.info": {Data: []byte(`{"Version":"v1.0.0"}`)},
	"github.com/!x/@v/!main.info":  {Data: []byte(`{"Version":"v1.1.0"}`)},
	"github.com/!x/@v/v1.0.0.mod":  {Data: []byte("module github.com/X\n")},
	"github.com/!x/@v/v1.0.0.zip":  {Data: []byte("PK")},
}

func TestRead(t *testing.T) {
	ctx, u := t.Context(), upstream.FS("shelf", shelf)
	x := module.Version{Path: "github.com/X", Version: "v1.0.0"}

	list, err := upstream.ReadList(ctx, u, x.Path)
	check(t, "ReadList", err, list, []upstream.Listed{{Version: "v1.0.0"}, {Version: "v1.1.0"}})
	latest, err := upstream.ReadLatest(ctx, u, x.Path)
	check(t, "ReadLatest", err, latest, upstream.Metadata{Version: "v1.1.0"})
	info, err := upstream.ReadInfo(ctx, u, x.Path, x.Version)
	check(t, "ReadInfo", err, info, upstream.Metadata{Version: "v1.0.0"})
	branch, err := upstream.ReadInfo(ctx, u, x.Path, "Main")
	check(t, "ReadInfo of a branch", err, branch, upstream.Metadata{Version: "v1.1.0"})
	mod, err := upstream.ReadMod(ctx, u, x)
	check(t, "ReadMod", err, string(mod), "module github.com/X\n")
	zip, err := upstream.OpenZip(ctx, u, x)
	if err != nil {
		t.Fatal(err)
	}
	body, err := readBody(zip)
	check(t, "OpenZip", err, body, "PK")
}

func check[T any](t *testing.T, what string, err error, got, want T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%s: error %v (-want +got):\n%s", what, err, diff)
	}
}

// readers are the typed helpers, given a version where they take one.
var readers = map[string]func(context.Context, upstream.Upstream, module.Version) error{
	"ReadList": func(ctx context.Context, u upstream.Upstream, m module.Version) error {
		_, err := upstream.ReadList(ctx, u, m.Path)
		return err
	},
	"ReadLatest": func(ctx context.Context, u upstream.Upstream, m module.Version) error {
		_, err := upstream.ReadLatest(ctx, u, m.Path)
		return err
	},
	"ReadInfo": func(ctx context.Context, u upstream.Upstream, m module.Version) error {
		_, err := upstream.ReadInfo(ctx, u, m.Path, m.Version)
		return err
	},
	"ReadMod": func(ctx context.Context, u upstream.Upstream, m module.Version) error {
		_, err := upstream.ReadMod(ctx, u, m)
		return err
	},
	"OpenZip": func(ctx context.Context, u upstream.Upstream, m module.Version) error {
		_, err := upstream.OpenZip(ctx, u, m)
		return err
	},
}

func TestReadErrors(t *testing.T) {
	asked := &log{}
	down := &source{name: "down", log: asked, err: &upstream.Error{Class: upstream.Unavailable, Status: 503}}
	for name, read := range readers {
		err := read(t.Context(), down, module.Version{Path: "a.b/c", Version: "v1.0.0"})
		if e := wantError(t, err, upstream.Unavailable); e.Status != 503 || e.Source != "down" {
			t.Errorf("%s: error is %v, want the source's own", name, err)
		}
		asked.lines = nil
		err = read(t.Context(), down, module.Version{Path: "a.b/../c", Version: "v1.0.0"})
		wantError(t, err, upstream.NotFound)
		if asked.lines != nil {
			t.Errorf("%s: a source was asked for what has no place in the protocol", name)
		}
	}
}

// Garbage is the failure of the source that sent it, though it came through a
// list; it is neither absence nor an empty answer.
func TestReadGarbage(t *testing.T) {
	page := upstream.Func(func(context.Context, upstream.Request) (*upstream.Response, error) {
		return respond("captive portal", "<html>sign in</html>"), nil
	})
	u := upstream.Fallback(upstream.Step{Upstream: page})
	for _, name := range []string{"ReadList", "ReadLatest", "ReadInfo"} {
		err := readers[name](t.Context(), u, module.Version{Path: "a.b/c", Version: "v1.0.0"})
		if e := wantError(t, err, upstream.Unavailable); e.Source != "captive portal" || e.Request.Module() != "a.b/c" {
			t.Errorf("%s: error is %v, want it to name the request and who sent the page", name, err)
		}
	}
}

func TestReadAll(t *testing.T) {
	req := request(t, "a.b/c/@latest")
	limit := int(req.Kind().MaxSize())
	broken := errors.New("broken")
	tests := []struct {
		name string
		body io.Reader
		want int // -1: an error
	}{
		{"empty", strings.NewReader(""), 0},
		{"in pieces", iotest.OneByteReader(strings.NewReader("abc")), 3},
		{"just fits", bytes.NewReader(make([]byte, limit)), limit},
		{"too large", bytes.NewReader(make([]byte, limit+1)), -1},
		{"endless", endless{}, -1},
		{"breaks off", io.MultiReader(strings.NewReader("abc"), iotest.ErrReader(broken)), -1},
		{"absent in the middle", iotest.ErrReader(&upstream.Error{Class: upstream.Timeout, Source: "a"}), -1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			body := &closing{Reader: test.body}
			u := upstream.Func(func(context.Context, upstream.Request) (*upstream.Response, error) {
				return &upstream.Response{Body: body, Size: -1, Source: "a"}, nil
			})
			data, err := upstream.ReadAll(t.Context(), u, req)
			if test.want < 0 {
				e, ok := errors.AsType[*upstream.Error](err)
				if !ok || e.Source != "a" || data != nil {
					t.Errorf("%d bytes, error %v; want an *Error that names the source", len(data), err)
				}
			} else if err != nil || len(data) != test.want {
				t.Errorf("%d bytes, error %v; want %d", len(data), err, test.want)
			}
			if body.closed != 1 {
				t.Errorf("the body was closed %d times", body.closed)
			}
		})
	}
}

type closing struct {
	io.Reader
	closed int
}

func (c *closing) Close() error { c.closed++; return nil }
