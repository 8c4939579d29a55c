package fetch_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
)

// A list that is asked for often is fetched anew before its time is over, in the
// background, so that nobody is ever given an old one; one that is rarely asked
// for is not.
func TestPopularAnswersAreKeptFresh(t *testing.T) {
	tests := []struct {
		name  string
		every time.Duration
		calls int64 // to the source, in ten minutes
		stale bool  // somebody is given an old one
	}{
		{"often", 5 * time.Second, 13, false},
		{"rarely", 90 * time.Second, 7, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				source := &scripted{answer: func(context.Context, upstream.Request) (string, error) { return "v1.0.0\n", nil }}
				c := newClient(t, fetch.Options{Upstream: source})
				stale := false
				for begun := time.Now(); time.Since(begun) < 10*time.Minute; time.Sleep(tt.every) {
					resp, err := c.Fetch(t.Context(), request(t, upstream.List, "example.com/m", ""))
					if err != nil {
						t.Fatal(err)
					}
					resp.Body.Close()
					stale = stale || resp.Stale != nil
				}
				if calls := source.calls.Load(); calls < tt.calls-1 || calls > tt.calls+1 || stale != tt.stale {
					t.Errorf("%d calls, an old answer: %v; want about %d, and %v", calls, stale, tt.calls, tt.stale)
				}
			})
		})
	}
}

// Each kind of question may have a time of its own.
func TestTTLs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := &scripted{answer: func(_ context.Context, req upstream.Request) (string, error) {
			if req.Kind() == upstream.List {
				return "v1.0.0\n", nil
			}
			return `{"Version":"v1.0.0"}`, nil
		}}
		c := newClient(t, fetch.Options{Upstream: source, TTLs: map[upstream.Kind]time.Duration{upstream.Latest: time.Hour}})
		ask := func(k upstream.Kind) (stale bool) {
			resp, err := c.Fetch(t.Context(), request(t, k, "example.com/m", ""))
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			return resp.Stale != nil
		}
		ask(upstream.List)
		ask(upstream.Latest)
		time.Sleep(50 * time.Minute)
		if ask(upstream.Latest) {
			t.Error("@latest is old after 50 minutes of an hour")
		}
		calls := source.calls.Load()
		ask(upstream.List)
		if source.calls.Load() == calls {
			t.Error("the list is fresh after 50 minutes")
		}
	})
}

// After a purge the modules are fetched again, and the others are not.
func TestPurge(t *testing.T) {
	o := newOrigin(t)
	c := newClient(t, proxyOptions(serve(t, o)))
	ask := func() {
		for _, key := range o.Keys() {
			req, err := upstream.ParsePath("/" + key)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := upstream.ReadAll(t.Context(), c, req); err != nil {
				t.Error(err)
			}
		}
	}
	ask()
	o.Asked()
	n, err := c.Purge(t.Context(), "example.com/hello")
	if err != nil || n == 0 {
		t.Fatalf("purged %d entries: %v", n, err)
	}
	ask()
	asked := o.Asked()
	if len(asked) != n {
		t.Errorf("%d entries were purged, and asked for again: %v", n, asked)
	}
	for _, key := range asked {
		req, err := upstream.ParsePath("/" + key)
		if err != nil || !strings.HasPrefix(req.Module(), "example.com/hello") {
			t.Errorf("%s was asked for again", key)
		}
	}
	if _, err := c.Purge(t.Context(), "["); err == nil {
		t.Error("a bad pattern was taken")
	}
}
