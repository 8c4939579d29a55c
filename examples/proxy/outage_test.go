package main

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/breakwater-go/breakwater/examples/internal/fixture"
	"github.com/breakwater-go/breakwater/fetch"
)

// weather is a source that can be down.
type weather struct {
	down atomic.Bool
	next http.Handler
}

func (w *weather) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	if w.down.Load() {
		http.Error(rw, "s3cret", http.StatusServiceUnavailable)
		return
	}
	w.next.ServeHTTP(rw, r)
}

// newWeather returns a source that has the modules of the fixture, and its URL.
func newWeather(t *testing.T) (*weather, string) {
	t.Helper()
	source := &weather{next: http.FileServer(http.Dir(fixture.NewTree(t)))}
	server := httptest.NewServer(source)
	t.Cleanup(server.Close)
	return source, server.URL
}

// When its sources are down the proxy says so, and stays ready for what it has. When
// they are back it finds out by the next request.
func TestReadinessInAnOutage(t *testing.T) {
	source, url := newWeather(t)
	fixture.Settings(t, strings.Replace(url, "://", "://ann:s3cret@", 1))
	p := start(t)
	fixture.NewGoCommand(t, p.url).Run(t, "mod", "download", "example.com/dep@v0.1.0")
	if h := readiness(t, p); !h.Fetch.OK {
		t.Fatalf("at first: %+v", h.Fetch)
	}

	source.down.Store(true)
	h := askUntil(t, p, func(h fetch.Health) bool { return !h.Fetch.OK })
	if !h.Ready || !h.Serve.OK || len(h.Sources) != 1 || h.Sources[0].State != "out" || h.Sources[0].Failure != "unavailable" {
		t.Errorf("while it is down: %+v", h)
	}
	resp, _ := fixture.Get(t, http.DefaultClient, p.url+"/example.com/dep/@v/v0.1.0.zip")
	if resp.StatusCode != http.StatusOK {
		t.Errorf("what is in the cache: status %d", resp.StatusCode)
	}
	if got := total(scrape(t, p.url)["breakwater_source_state"], `state="out"`); got < 1 {
		t.Errorf("breakwater_source_state{state=out} is %v", got)
	}

	source.down.Store(false)
	askUntil(t, p, func(h fetch.Health) bool { return h.Fetch.OK })
	for _, page := range allPages {
		if _, body := fixture.Get(t, http.DefaultClient, p.url+page); strings.Contains(body, "s3cret") || strings.Contains(body, "ann:") {
			t.Errorf("%s tells a secret:\n%s", page, body)
		}
	}
	if log := p.output.String(); strings.Contains(log, "s3cret@") || strings.Contains(log, "ann:") {
		t.Errorf("the log tells a secret:\n%s", log)
	}
}

// askUntil asks for one module after another that the cache does not have, until it
// shows in what /readyz says.
func askUntil(t *testing.T, p *instance, shows func(fetch.Health) bool) fetch.Health {
	t.Helper()
	late := time.Now().Add(fixture.Patience)
	for i := 0; ; i++ {
		fixture.Get(t, http.DefaultClient, p.url+"/example.com/absent"+strconv.FormatInt(time.Now().UnixNano(), 36)+"/@v/list")
		h := readiness(t, p)
		if shows(h) {
			return h
		}
		if time.Now().After(late) {
			t.Fatalf("after %d requests: %+v", i, h)
		}
	}
}
