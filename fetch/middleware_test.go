package fetch_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/fstest"
	"testing/synctest"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/upstream/gocmd"
	"github.com/google/go-cmp/cmp"
)

// A listed source writes its name on a list with each request that it is sent.
type listed struct {
	upstream.Upstream
	asked *[]string
}

func (n listed) Unwrap() upstream.Upstream { return n.Upstream }

func (n listed) Fetch(ctx context.Context, req upstream.Request) (*upstream.Response, error) {
	*n.asked = append(*n.asked, upstream.Name(n))
	return n.Upstream.Fetch(ctx, req)
}

func listing(asked *[]string) upstream.Middleware {
	return func(source upstream.Upstream) upstream.Upstream { return listed{source, asked} }
}

// listOf is a source that has versions of one module.
func listOf(name, path string) upstream.Upstream {
	return upstream.FS(name, fstest.MapFS{path + "/@v/list": {Data: []byte("v1.0.0\n")}})
}

// Each source is wrapped, whatever it is there for, and keeps its name.
func TestMiddlewareIsAroundEachSource(t *testing.T) {
	var asked []string
	c, err := fetch.New(&fetch.Options{
		Upstream:   upstream.Fallback(upstream.Step{Upstream: listOf("near", "example.com/near")}, upstream.Step{Upstream: listOf("far", "example.com/far")}),
		Private:    []upstream.Route{{Patterns: "corp.example", Upstream: listOf("own", "corp.example/m")}},
		Middleware: listing(&asked),
		Go:         &fetch.GoSettings{GOSUMDB: "off"},
		Store:      cache.NewMemory(nil),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, path := range []string{"example.com/far", "corp.example/m"} {
		if _, err := c.Fetch(t.Context(), request(t, upstream.List, path, "")); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
	if diff := cmp.Diff([]string{"near", "far", "own"}, asked); diff != "" {
		t.Errorf("who was asked, in this order: -want +got\n%s", diff)
	}
	if diff := cmp.Diff([]string{"near", "far", "own"}, c.Sources()); diff != "" {
		t.Errorf("Sources: -want +got\n%s", diff)
	}
}

// The proxies of GOPROXY and version control are sources as any other, and those of
// other options are wrapped anew.
func TestMiddlewareIsAroundTheGoSettings(t *testing.T) {
	var wrapped []string
	opts := &fetch.Options{
		Go: &fetch.GoSettings{GOPROXY: "https://proxy.example,direct", GONOPROXY: "corp.example", GOSUMDB: "off"},
		Middleware: func(source upstream.Upstream) upstream.Upstream {
			name := upstream.Name(source)
			if _, ok := upstream.As[*gocmd.Source](source); ok {
				name += " is version control"
			}
			wrapped = append(wrapped, name)
			return source
		},
		Store: cache.NewMemory(nil), Logger: slog.New(slog.DiscardHandler),
	}
	c, err := fetch.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	want := []string{"https://proxy.example", "direct is version control", "direct is version control"}
	if diff := cmp.Diff(want, wrapped); diff != "" {
		t.Errorf("New wrapped -want +got\n%s", diff)
	}
	wrapped = nil
	if err := c.Reconfigure(opts); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, wrapped); diff != "" {
		t.Errorf("Reconfigure wrapped -want +got\n%s", diff)
	}
}

// An error of the middleware's own is the source's: it is tried again, and counts
// in the circuit.
func TestMiddlewareIsInsideTheCircuit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		c, err := fetch.New(&fetch.Options{
			Upstream: listOf("near", "example.com/m"),
			Middleware: func(source upstream.Upstream) upstream.Upstream {
				return upstream.Func(func(_ context.Context, req upstream.Request) (*upstream.Response, error) {
					calls++
					return nil, &upstream.Error{Class: upstream.Unavailable, Request: req, Source: upstream.Name(source)}
				})
			},
			Go:     &fetch.GoSettings{GOSUMDB: "off"},
			Store:  cache.NewMemory(nil),
			Logger: slog.New(slog.DiscardHandler),
		})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := c.Fetch(t.Context(), request(t, upstream.List, "example.com/m", "")); upstream.ClassOf(err) != upstream.Unavailable {
			t.Errorf("Fetch: %v, want Unavailable", err)
		}
		if calls < 2 {
			t.Errorf("%d calls, want more tries than one", calls)
		}
		if sources := c.Stats().Sources; len(sources) != 1 || sources[0].LastFailure == nil {
			t.Errorf("what is known of the source: %+v, want its failure", sources)
		}
	})
}

func TestMiddlewareThatReturnsNothing(t *testing.T) {
	_, err := fetch.New(&fetch.Options{
		Upstream:   listOf("near", "example.com/m"),
		Middleware: func(upstream.Upstream) upstream.Upstream { return nil },
		Go:         &fetch.GoSettings{GOSUMDB: "off"},
		Store:      cache.NewMemory(nil),
	})
	if err == nil || !strings.Contains(err.Error(), "Middleware") {
		t.Errorf("New: %v, want an error that names the field", err)
	}
}
