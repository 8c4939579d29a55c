package fetch_test

import (
	"context"
	"errors"
	"regexp"
	"syscall"
	"testing"
	"time"

	"github.com/breakwater-go/breakwater/breaker"
	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
)

// weatherSource returns a source of the given name that answers, or fails with cause.
func weatherSource(name string, cause error) upstream.Upstream {
	return upstream.WithName(name, &scripted{answer: func(ctx context.Context, req upstream.Request) (string, error) {
		if cause == nil {
			return answered(ctx, req)
		}
		return "", &upstream.Error{Request: req, Source: name, Err: cause}
	}})
}

func TestWeather(t *testing.T) {
	good, other := weatherSource("https://good.example", nil), weatherSource("https://other.example", nil)
	dead := weatherSource("https://dead.example", syscall.ECONNREFUSED)
	odd := weatherSource("https://odd.example/go", errors.New("odd"))
	private := func(u upstream.Upstream) []upstream.Route {
		return []upstream.Route{{Patterns: "corp.example", Upstream: u}}
	}
	once := &breaker.CircuitOptions{ConsecutiveFailures: 1, OpenFor: time.Hour}
	shut := proxyOptions("http://127.0.0.1:1,https://other.example")
	shut.Circuit = once
	for _, tt := range []struct {
		name string
		opts fetch.Options
		asks []string
		want fetch.StatusWeather
	}{
		{"nobody was asked", fetch.Options{Upstream: good}, nil,
			fetch.StatusWeather{State: "well", Text: "Nothing is known to be wrong. No source has been asked yet."}},
		{"the only one works", fetch.Options{Upstream: good}, []string{"example.com/a"},
			fetch.StatusWeather{State: "well", Text: "The only source works: good.example."}},
		{"one was not asked", fetch.Options{Upstream: upstream.Mirrors(good, other)}, []string{"example.com/a"},
			fetch.StatusWeather{State: "well", Text: "1 of 2 sources works, the other has not been asked."}},
		{"offline", fetch.Options{Upstream: good, Offline: true}, nil,
			fetch.StatusWeather{State: "well", Text: "Offline, as configured: only what is in the cache is answered."}},
		{"one is out", fetch.Options{Upstream: upstream.Fallback(upstream.Step{Upstream: dead, OnAnyError: true}, upstream.Step{Upstream: good}), Circuit: once}, []string{"example.com/a"},
			fetch.StatusWeather{State: "strained", Text: "1 of 2 sources is out: dead.example (connection refused) since TIME.", Meaning: "Answers come from good.example and the cache."}},
		{"one fails, and its circuit is closed", fetch.Options{Upstream: upstream.Fallback(upstream.Step{Upstream: odd, OnAnyError: true}, upstream.Step{Upstream: good})}, []string{"example.com/a", "example.com/b"},
			fetch.StatusWeather{State: "strained", Text: "1 of 2 sources is in trouble: odd.example/go fails (unavailable).", Meaning: "Answers come from good.example and the cache."}},
		{"one before a comma is out", shut, []string{"example.com/a"},
			fetch.StatusWeather{State: "ill", Text: "1 of 2 sources is out: http://127.0.0.1:1 (connection refused) since TIME.", Meaning: "Only what is in the cache is answered: behind a comma in GOPROXY nobody is asked while the source before it is out.", Notices: []string{"1 of 1 request failed in the last five minutes."}}},
		{"the only one is out", fetch.Options{Upstream: dead, Circuit: once}, []string{"example.com/a"},
			fetch.StatusWeather{State: "ill", Text: "The only source is out: dead.example (connection refused) since TIME.", Meaning: "Only what is in the cache is answered.", Notices: []string{"1 of 1 request failed in the last five minutes."}}},
		{"a private one is out", fetch.Options{Upstream: good, Private: private(dead), Circuit: once}, []string{"example.com/a", "corp.example/a"},
			fetch.StatusWeather{State: "ill", Text: "1 of 2 sources is out: dead.example (connection refused) since TIME.", Meaning: "Modules that are routed to one in trouble come from the cache alone.", Notices: []string{"1 of 2 requests failed in the last five minutes."}}},
		{"a private one does not stand in", fetch.Options{Upstream: dead, Private: private(good), Circuit: once}, []string{"example.com/a", "corp.example/a"},
			fetch.StatusWeather{State: "ill", Text: "1 of 2 sources is out: dead.example (connection refused) since TIME.", Meaning: "Of the modules that they are asked for, only what is in the cache is answered.", Notices: []string{"1 of 2 requests failed in the last five minutes."}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newClient(t, tt.opts)
			h := fetch.NewStatusHandler(c, nil)
			defer h.Close()
			for _, module := range tt.asks {
				if resp, err := c.Fetch(t.Context(), request(t, upstream.Mod, module, "v1.0.0")); err == nil {
					resp.Body.Close()
				}
			}
			got := h.Report().Weather
			got.Text = regexp.MustCompile(`\d\d:\d\d`).ReplaceAllString(got.Text, "TIME")
			if tt.want.Notices == nil {
				tt.want.Notices = []string{}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
