package oteltrace_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/breaker"
	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/fetch/oteltrace"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/verify"
	"github.com/google/go-cmp/cmp"
)

// full is a store that keeps nothing.
type full struct{ cache.Store }

func (full) Put(context.Context, string, cache.Content) error { return errors.New("no space left") }

// listed returns a go.sum file that lists a go.mod file of that content.
func listed(t *testing.T, content string) *verify.GoSum {
	t.Helper()
	hash, err := verify.HashMod(strings.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	g, err := verify.ParseGoSum("go.sum", []byte("example.com/hello v1.0.0/go.mod "+hash+"\n"))
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestStories(t *testing.T) {
	tests := []struct {
		name    string
		opts    fetch.Options
		tracing oteltrace.Options
		times   int // the same is asked for
		want    string
	}{{
		name:  "a miss and a hit",
		opts:  fetch.Options{Upstream: source("one", answers)},
		times: 2,
		want: `
fetch mod (internal) outcome=miss size=25 source=one
	attempt mod (client) result=answered size=25 source=one
fetch mod (internal) outcome=hit-memory size=25 source=memory
`,
	}, {
		name:    "with module names",
		opts:    fetch.Options{Upstream: source("one", answers)},
		tracing: oteltrace.Options{ModuleNames: true},
		want: `
fetch mod (internal) module=example.com/hello outcome=miss size=25 source=one version=v1.0.0
	attempt mod (client) module=example.com/hello result=answered size=25 source=one version=v1.0.0
`,
	}, {
		name:  "absent, and remembered to be",
		opts:  fetch.Options{Upstream: source("one", fails(upstream.NotFound, 404))},
		times: 2,
		want: `
fetch mod (internal) class=not-found outcome=not-found
	attempt mod (client) result=not-found source=one http.response.status_code=404
fetch mod (internal) class=not-found outcome=negative
`,
	}, {
		name: "two sources fail",
		opts: fetch.Options{Upstream: list(source("one", fails(upstream.Unavailable, 503)), source("two", fails(upstream.Timeout, 0)))},
		want: `
fetch mod (internal) class=timeout outcome=failed Error: timeout
	* gave_up class=timeout try=1 why=that is the limit
	attempt mod (client) result=unavailable source=one http.response.status_code=503 Error: unavailable
	attempt mod (client) result=timeout source=two Error: timeout
`,
	}, {
		name:    "the reason, with module names",
		opts:    fetch.Options{Upstream: source("one", fails(upstream.Denied, 403))},
		tracing: oteltrace.Options{ModuleNames: true},
		want: `
fetch mod (internal) class=denied module=example.com/hello outcome=denied reason=one: denied (status 403): about example.com/hello version=v1.0.0
	attempt mod (client) module=example.com/hello reason=one: denied (status 403): about example.com/hello result=denied source=one version=v1.0.0 http.response.status_code=403
`,
	}, {
		name: "a second try",
		opts: fetch.Options{
			Retry:    &breaker.RetryOptions{Tries: 2},
			Upstream: source("one", inTurn(fails(upstream.Unavailable, 502), answers)),
		},
		want: `
fetch mod (internal) outcome=miss size=25 source=one
	* retry class=unavailable try=1 why=it is tried again
	attempt mod (client) result=unavailable source=one http.response.status_code=502 Error: unavailable
	attempt mod (client) result=answered size=25 source=one
`,
	}, {
		name: "an open circuit, and a store that is full",
		opts: fetch.Options{
			Circuit:  &breaker.CircuitOptions{ConsecutiveFailures: 1, LastResort: -1},
			Upstream: list(source("one", fails(upstream.Unavailable, 500)), source("two", answers)),
			Store:    full{cache.NewMemory(nil)},
		},
		times: 2,
		want: `
fetch mod (internal) outcome=miss size=25 source=two
	attempt mod (client) result=unavailable source=one http.response.status_code=500 Error: unavailable
	attempt mod (client) result=answered size=25 source=two
fetch mod (internal) outcome=miss size=25 source=two
	* hedge again=false beside=one source=two won=true
	attempt mod (client) result=refused source=one
	attempt mod (client) result=answered size=25 source=two
`,
	}, {
		name: "a source that panics",
		opts: fetch.Options{Upstream: list(
			source("one", func(context.Context, upstream.Request) (string, error) { panic("oh") }), source("two", answers),
		)},
		want: `
fetch mod (internal) outcome=miss size=25 source=two
	attempt mod (client) result=unavailable source=one Error: unavailable
	attempt mod (client) result=answered size=25 source=two
`,
	}, {
		name: "a race",
		opts: fetch.Options{Upstream: upstream.Mirrors(source("one", hangs), source("two", answers))},
		want: `
fetch mod (internal) outcome=miss size=25 source=two
	* hedge again=false beside=one source=two won=true
	attempt mod (client) result=outpaced source=one
	attempt mod (client) result=answered size=25 source=two
`,
	}, {
		name: "a race whose loser calls it a failure",
		opts: fetch.Options{Upstream: upstream.Mirrors(source("one", breaksOff), source("two", answers))},
		want: `
fetch mod (internal) outcome=miss size=25 source=two
	* hedge again=false beside=one source=two won=true
	attempt mod (client) result=outpaced source=one http.response.status_code=502
	attempt mod (client) result=answered size=25 source=two
`,
	}, {
		name: "a file that is what it must be",
		opts: fetch.Options{Upstream: source("one", answers), GoSum: listed(t, goMod)},
		want: `
fetch mod (internal) outcome=miss size=25 source=one
	* verification source=one verified=go.sum
	attempt mod (client) result=answered size=25 source=one
`,
	}, {
		name: "a file that is another",
		opts: fetch.Options{Upstream: list(source("liar", answers), source("two", answers)), GoSum: listed(t, "module example.com/other\n")},
		want: `
fetch mod (internal) class=untrusted outcome=failed Error: untrusted
	attempt mod (client) result=untrusted source=liar Error: untrusted
		* verification class=untrusted source=liar verified=
	attempt mod (client) result=untrusted source=two Error: untrusted
		* verification class=untrusted source=two verified=
`,
	}}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newTraced(t, test.opts, test.tracing)
				for range max(1, test.times) {
					ask(t.Context(), c, request(t, upstream.Mod, "v1.0.0"))
					time.Sleep(time.Second) // so that what begins later is known
				}
				if diff := cmp.Diff(test.want, "\n"+c.story(t)); diff != "" {
					t.Errorf("spans (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// A caller who goes away ends his own span; the attempt goes on for the grace, below it.
func TestCallerWhoGoesAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newTraced(t, fetch.Options{Upstream: source("one", hangs)}, oteltrace.Options{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		ask(ctx, c, request(t, upstream.Mod, "v1.0.0"))
		if got := len(c.account.find("breakwater.attempt mod")); got != 0 {
			t.Errorf("%d attempts have ended with the caller, want none before the grace is over", got)
		}
		time.Sleep(fetchGrace)
		synctest.Wait()
		want := `
fetch mod (internal) class=timeout outcome=canceled
	attempt mod (client) result=canceled source=one
`
		if diff := cmp.Diff(want, "\n"+c.story(t)); diff != "" {
			t.Errorf("spans (-want +got):\n%s", diff)
		}
	})
}

// fetchGrace is the default of fetch.Options.Grace.
const fetchGrace = 3 * time.Second

// Who waits for what another asked for has a span that says so, and no attempts.
func TestCoalesced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := source("one", func(context.Context, upstream.Request) (string, error) {
			time.Sleep(2 * time.Second)
			return goMod, nil
		})
		c := newTraced(t, fetch.Options{Upstream: slow, Hedge: &upstream.HedgeOptions{Burst: -1}}, oteltrace.Options{})
		req := request(t, upstream.Mod, "v1.0.0")
		go ask(t.Context(), c, req)
		time.Sleep(time.Second)
		ask(t.Context(), c, req)
		synctest.Wait()
		want := `
fetch mod (internal) outcome=miss size=25 source=one
	attempt mod (client) result=answered size=25 source=one
fetch mod (internal) outcome=coalesced size=25 source=one
`
		if diff := cmp.Diff(want, "\n"+c.story(t)); diff != "" {
			t.Errorf("spans (-want +got):\n%s", diff)
		}
	})
}
