package fetch_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/upstream/gocmd"
)

// What the proxies do not have is not fetched ahead from version control, whose hosts
// the author of a go.mod file chooses. A caller who asks for it gets there, also by
// joining a prefetch, before its turn comes to version control or after.
func TestPrefetchSparesVersionControl(t *testing.T) {
	alone := func(proxy upstream.Upstream, direct upstream.Upstream) upstream.Upstream {
		return upstream.Fallback(upstream.Step{Upstream: proxy}, upstream.Step{Upstream: direct})
	}
	before := func(proxy upstream.Upstream, direct upstream.Upstream) upstream.Upstream {
		return upstream.Fallback(upstream.Step{Upstream: direct, OnAnyError: true}, upstream.Step{Upstream: proxy})
	}
	tests := []struct {
		name    string
		sources func(proxy, direct upstream.Upstream) upstream.Upstream
		wait    time.Duration // from the first answer until a caller asks for the requirement
	}{
		{"after the prefetch", alone, time.Second},
		{"before its turn", alone, 50 * time.Millisecond},
		{"past its turn", before, 50 * time.Millisecond},
		{"after the prefetch, first in the list", before, time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			source, err := gocmd.New(&gocmd.Options{Dir: t.TempDir(), Resolve: nowhere})
			if err != nil {
				t.Fatal(err)
			}
			defer source.Close()
			synctest.Test(t, func(t *testing.T) {
				direct := &noted{Upstream: source}
				proxy := newLibrary(map[string]string{modKey("a"): "module example.com/a\n\nrequire elsewhere.example/b v1.0.0\n"})
				proxy.delay = 100 * time.Millisecond
				c := newClient(t, fetch.Options{Upstream: tt.sources(proxy, direct), Prefetch: &fetch.PrefetchOptions{}})
				if err := askFor(t, t.Context(), c, modKey("a")); err != nil {
					t.Fatal(err)
				}
				time.Sleep(tt.wait)
				if asked := direct.asked.Swap(0); asked != 0 {
					t.Errorf("version control was asked %d times for a prefetch", asked)
				}
				if err := askFor(t, t.Context(), c, "elsewhere.example/b/@v/v1.0.0.mod"); upstream.ClassOf(err) != upstream.NotFound {
					t.Errorf("the caller gets %v, want that it does not exist", err)
				}
				if asked := direct.asked.Load(); asked != 1 {
					t.Errorf("version control was asked %d times for a caller, want once", asked)
				}
			})
		})
	}
}

// noted counts what version control is asked for, and has it find nothing.
type noted struct {
	upstream.Upstream
	asked atomic.Int64
}

func (n *noted) Unwrap() upstream.Upstream { return n.Upstream }

func (n *noted) Fetch(_ context.Context, req upstream.Request) (*upstream.Response, error) {
	if req.Module() == "elsewhere.example/b" {
		n.asked.Add(1)
	}
	return nil, absent(req)
}
