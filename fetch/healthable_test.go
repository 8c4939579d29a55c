package fetch_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/breaker"
	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/fetch/internal/origin"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/verify"
	"github.com/google/go-cmp/cmp"
)

// fragile opens a circuit at the first failure.
func fragile() *breaker.CircuitOptions { return &breaker.CircuitOptions{ConsecutiveFailures: 1} }

// healthOf returns the health of a Client of which nobody has asked before.
func healthOf(t *testing.T, c *fetch.Client) *fetch.Health {
	t.Helper()
	return fetch.NewReadinessHandler(c, nil).Health(t.Context())
}

const (
	eachOut  = "each source is out"
	anyOut   = "there is a source to ask"
	firstOut = "a source is out, and what is behind its comma in GOPROXY is not asked then"
)

// What can be fetched depends on which source is out and on what is between them.
func TestHealthOfSources(t *testing.T) {
	for _, tt := range []struct {
		name, goproxy string // W works, D is down
		fetched       []string
		want          fetch.Ability
	}{
		{"one that works", "W", []string{"list"}, fetch.Ability{OK: true, Reason: anyOut}},
		{"one that was not asked yet", "D", nil, fetch.Ability{OK: true, Reason: anyOut}},
		{"one that is out for lists", "D", []string{"list"}, fetch.Ability{Reason: "all but zips: " + eachOut}},
		{"one that is out for zips", "D", []string{"zip"}, fetch.Ability{Reason: "zips: " + eachOut}},
		{"one that is out", "D", []string{"list", "zip"}, fetch.Ability{Reason: eachOut}},
		{"two that are out", "D|D", []string{"list", "zip"}, fetch.Ability{Reason: eachOut}},
		{"the first of two, which is asked first", "D,W", []string{"list", "zip"}, fetch.Ability{Reason: firstOut}},
		{"the first of two, which need not be", "D|W", []string{"list", "zip"}, fetch.Ability{OK: true, Reason: anyOut}},
		{"the second of two, behind a comma", "W,D", []string{"list", "zip"}, fetch.Ability{OK: true, Reason: anyOut}},
		{"the first of two, for zips", "D,W", []string{"zip"}, fetch.Ability{Reason: "zips: " + firstOut}},
		{"the first of two, for lists", "D,W", []string{"list"}, fetch.Ability{Reason: "all but zips: " + firstOut}},
		{"behind it is none", "D|off", []string{"list", "zip"}, fetch.Ability{Reason: eachOut}},
		{"none", "off", nil, fetch.Ability{OK: true, Off: true, Reason: "there is no source"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			down := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) }))
			goproxy := strings.ReplaceAll(tt.goproxy, "W", serve(t, newOrigin(t)))
			for strings.Contains(goproxy, "D") { // sources of one URL would be one
				goproxy = strings.Replace(goproxy, "D", down, 1)
				down += "/another"
			}
			opts := proxyOptions(goproxy)
			opts.Circuit = fragile()
			c := newClient(t, opts)
			for _, what := range tt.fetched {
				fetchSome(t, c, "example.com/hello", what)
			}
			if diff := cmp.Diff(tt.want, healthOf(t, c).Fetch); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// fetchSome asks for a list or a zip; what comes of it is not looked at.
func fetchSome(t *testing.T, c *fetch.Client, module, what string) {
	t.Helper()
	req := request(t, upstream.List, module, "")
	if what == "zip" {
		req = request(t, upstream.Zip, module, "v1.0.0")
	}
	if resp, err := c.Fetch(t.Context(), req); err == nil {
		resp.Body.Close()
	}
}

// A source that comes back is on trial first, which is enough: nobody would put it to
// the trial if no requests were sent here.
func TestHealthOfASourceThatComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrigin(t)
		m := newMirror("mirror", o, 1)
		c := newClient(t, fetch.Options{Upstream: m.overPipes(t), Circuit: fragile(), Limit: &breaker.LimitOptions{}})
		wants := func(when string, ok bool, state string) {
			t.Helper()
			h := healthOf(t, c)
			if h.Fetch.OK != ok || len(h.Sources) != 1 || h.Sources[0].State != state {
				t.Errorf("%s: %+v, %+v", when, h.Fetch, h.Sources)
			}
		}
		wants("at first", true, "working")
		o.Fail(origin.Status(500))
		fetchSome(t, c, "example.com/hello", "zip")
		wants("while it is down", false, "out")
		o.Fail(nil)
		time.Sleep(10 * time.Second)
		wants("later", true, "on trial")
		fetchSome(t, c, "example.com/hello", "zip")
		wants("when it is back", true, "working")
	})
}

// A source of a route is told of, and nothing else follows: most modules do not need it.
func TestHealthOfAPrivateSource(t *testing.T) {
	down := &scripted{answer: func(_ context.Context, req upstream.Request) (string, error) { return "", outage(req) }}
	works := &scripted{answer: func(_ context.Context, req upstream.Request) (string, error) { return "", absent(req) }}
	c := newClient(t, fetch.Options{
		Upstream: upstream.WithName("public", works), Circuit: fragile(),
		Private: []upstream.Route{{Patterns: "corp.example", Upstream: upstream.WithName("inside", down)}},
	})
	for _, module := range []string{"corp.example/hidden", "example.com/hello"} {
		fetchSome(t, c, module, "zip")
		fetchSome(t, c, module, "list")
	}
	h := healthOf(t, c)
	if !h.Ready || !h.Fetch.OK {
		t.Errorf("ready %v: %+v", h.Ready, h.Fetch)
	}
	got := map[string]string{}
	for _, s := range h.Sources {
		got[s.Name] = s.Role + ": " + s.State + " " + s.Failure
		if s.Failed.IsZero() != (s.Failure == "") {
			t.Errorf("%s failed %v: %s", s.Name, s.Failed, s.Failure)
		}
	}
	want := map[string]string{"public": "modules: working ", "inside": "private modules: out unavailable"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestHealthOffline(t *testing.T) {
	h := healthOf(t, newClient(t, fetch.Options{Offline: true, Go: &fetch.GoSettings{GOPROXY: "off", GOSUMDB: newOrigin(t).VerifierKey}}))
	if diff := cmp.Diff(fetch.Ability{OK: true, Off: true, Reason: "offline: no source is asked"}, h.Fetch); diff != "" {
		t.Errorf("fetch (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(fetch.Ability{OK: true, Off: true, Reason: "offline: nothing is fetched"}, h.Verify); diff != "" {
		t.Errorf("verify (-want +got):\n%s", diff)
	}
}

func TestHealthWithoutADatabase(t *testing.T) {
	for _, tt := range []struct {
		name string
		opts fetch.Options
		want fetch.Ability
	}{
		{"nothing", fetch.Options{}, fetch.Ability{OK: true, Off: true, Reason: "nothing is verified"}},
		{"go.sum", fetch.Options{GoSum: &verify.GoSum{}}, fetch.Ability{OK: true, Reason: "by go.sum alone"}},
		{"a Verifier", fetch.Options{Verifier: new(vouching)}, fetch.Ability{OK: true, Reason: "a Verifier is asked, of which nothing is known"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.opts.Upstream = upstream.Off()
			h := healthOf(t, newClient(t, tt.opts))
			if diff := cmp.Diff(tt.want, h.Verify); diff != "" || h.Database != nil {
				t.Errorf("database %+v (-want +got):\n%s", h.Database, diff)
			}
		})
	}
}

// The database fares as it did when it was asked last. That it failed holds for a
// minute: nobody may have asked since.
func TestHealthOfTheDatabase(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOrigin(t)
		m := newMirror("mirror", o, 1)
		c := newClient(t, fetch.Options{
			Upstream: m.overPipes(t), Store: cache.NewMemory(nil), Go: &fetch.GoSettings{GOSUMDB: o.VerifierKey},
		})
		name, _, _ := strings.Cut(o.VerifierKey, "+")
		wants := func(ok bool, reason string) {
			t.Helper()
			h := healthOf(t, c)
			if h.Verify.OK != ok || h.Verify.Off || h.Verify.Reason != reason || h.Database == nil {
				t.Errorf("%+v, want %v: %s; database %+v", h.Verify, ok, reason, h.Database)
			}
		}
		ask := func(version string) {
			resp, err := c.Fetch(t.Context(), request(t, upstream.Mod, "example.com/hello", version))
			if err == nil {
				resp.Body.Close()
			}
		}
		wants(true, name+" was not asked yet")
		o.Fail(failDatabase(origin.Status(500)))
		ask("v1.0.0")
		wants(false, name+" fails: unavailable")
		time.Sleep(time.Minute)
		wants(true, name+" failed, and was not asked for 1m0s")
		ask("v1.0.0")
		wants(false, name+" fails: unavailable")
		o.Fail(nil)
		time.Sleep(20 * time.Second) // more than circuits stay open
		ask("v1.0.0")
		wants(true, name+" answers")
		if d := healthOf(t, c).Database; d.TreeSize == 0 || d.Answered.IsZero() || d.Failure != "unavailable" {
			t.Errorf("database %+v", d)
		}
	})
}

// A list of the embedder's own is known as well as a GOPROXY list is, and a source
// that is on trial is asked, but it is told that it has failed.
func TestHealthOfAnUpstream(t *testing.T) {
	dead := upstream.WithName("dead", &scripted{answer: down})
	live := upstream.WithName("live", &scripted{answer: func(context.Context, upstream.Request) (string, error) { return "v1.0.0\n", nil }})
	for _, tt := range []struct {
		name    string
		u       upstream.Upstream
		openFor time.Duration
		want    fetch.Ability
	}{
		{"behind a comma", upstream.Fallback(upstream.Step{Upstream: dead}, upstream.Step{Upstream: live}), time.Hour,
			fetch.Ability{Reason: "all but zips: " + firstOut}},
		{"behind a pipe", upstream.Fallback(upstream.Step{Upstream: dead, OnAnyError: true}, upstream.Step{Upstream: live}), time.Hour,
			fetch.Ability{OK: true, Reason: anyOut}},
		{"on trial", dead, time.Nanosecond, fetch.Ability{OK: true, Reason: "each source has failed, and is about to be tried again"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newClient(t, fetch.Options{Upstream: tt.u, Circuit: &breaker.CircuitOptions{ConsecutiveFailures: 1, OpenFor: tt.openFor}})
			resp, err := c.Fetch(t.Context(), request(t, upstream.List, "example.com/hello", ""))
			if err == nil {
				resp.Body.Close()
			}
			if diff := cmp.Diff(tt.want, healthOf(t, c).Fetch); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
