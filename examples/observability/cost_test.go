package observability_test

import (
	"context"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/fetch/audit"
	"github.com/breakwater-go/breakwater/fetch/oteltrace"
	"github.com/breakwater-go/breakwater/fetch/prommetrics"
	"github.com/breakwater-go/breakwater/upstream"
	"go.opentelemetry.io/otel/sdk/trace"
)

// BenchmarkCost measures what it costs a warm hit over loopback that things are on:
// metrics and the journal of the status page, then tracing, of which no request is
// sampled, then an access log that is written in the background and an audit log, both
// in JSON. It asks with and without in turn, over one connection, and reports the median
// of the ratios of the times: 1.05 is five per cent more. What it costs to bring the
// logs' lines to a disk is left out, for that is up to where they go.
func BenchmarkCost(b *testing.B) {
	unsampled := trace.NewTracerProvider(trace.WithSampler(trace.NeverSample()))
	for _, bm := range []struct {
		name string
		on   extras
	}{
		{"nothing, twice", extras{}}, // how much of it is noise
		{"metrics, page", extras{metrics: true}},
		{"metrics, page, tracing", extras{metrics: true, tracing: unsampled}},
		{"metrics, page, access log", extras{metrics: true, access: true}},
		{"all", extras{metrics: true, tracing: unsampled, access: true, audit: true}},
	} {
		b.Run(bm.name, func(b *testing.B) {
			off, on := newWarm(b, extras{}), newWarm(b, bm.on)
			s := newServing(b)
			const round = 100 // requests
			var ratios []float64
			for b.Loop() {
				// The order is drawn, or the garbage collector would come around at
				// the same place each time.
				handlers, times := [2]http.Handler{off, on}, [2]time.Duration{}
				first := rand.IntN(2)
				times[first] = s.time(b, handlers[first], round)
				times[1-first] = s.time(b, handlers[1-first], round)
				ratios = append(ratios, float64(times[1])/float64(times[0]))
			}
			slices.Sort(ratios)
			b.ReportMetric(ratios[len(ratios)/2], "on/off")
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(2*round*len(ratios)), "us/request")
		})
	}
}

const warmFile = "/example.com/hello/@v/v1.0.0.mod"

// extras are what is on.
type extras struct {
	metrics       bool
	tracing       *trace.TracerProvider // nil: off
	access, audit bool
}

// newWarm returns a handler that has a file in memory once it was asked for it.
func newWarm(b *testing.B, on extras) http.Handler {
	b.Helper()
	discard := slog.New(slog.NewJSONHandler(io.Discard, nil))
	c, err := fetch.New(&fetch.Options{
		Upstream: upstream.Func(func(context.Context, upstream.Request) (*upstream.Response, error) {
			const mod = "module example.com/hello\n"
			return &upstream.Response{Body: io.NopCloser(strings.NewReader(mod)), Size: int64(len(mod)), Source: "source"}, nil
		}),
		Go: &fetch.GoSettings{GOSUMDB: "off"}, Store: cache.NewMemory(nil), Logger: discard,
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { c.Close() })
	opts := &fetch.HandlerOptions{Logger: discard}
	if on.tracing != nil {
		b.Cleanup(c.Observe(oteltrace.New(&oteltrace.Options{TracerProvider: on.tracing})))
	}
	if on.metrics {
		m, status := prommetrics.New(c, nil), fetch.NewStatusHandler(c, nil)
		b.Cleanup(func() { m.Close(); status.Close() })
		opts.Access = m.Access
		if on.access {
			log := fetch.NewAccessLog(discard)
			b.Cleanup(func() { log.Close(context.Background()) })
			opts.Access = fetch.JoinAccess(m.Access, log.Access)
		}
	}
	if on.audit {
		opts.Audit = audit.LogJSON(io.Discard)
	}
	return fetch.NewHandler(c, opts)
}

// A serving is a server whose handler is changed between requests: two servers would
// differ in more than what they do, such as where their connections happen to run.
type serving struct {
	now    atomic.Pointer[http.Handler]
	client *http.Client
	url    string
}

func newServing(b *testing.B) *serving {
	b.Helper()
	s := &serving{client: &http.Client{Transport: &http.Transport{}}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { (*s.now.Load()).ServeHTTP(w, r) }))
	s.url = server.URL + warmFile
	b.Cleanup(func() {
		s.client.CloseIdleConnections()
		server.Close()
	})
	return s
}

// time returns how long that many requests to h take, one after the other.
func (s *serving) time(b *testing.B, h http.Handler, requests int) time.Duration {
	b.Helper()
	s.now.Store(&h)
	begun := time.Now()
	for range requests {
		resp, err := s.client.Get(s.url)
		if err != nil {
			b.Fatal(err)
		}
		_, err = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusOK {
			b.Fatal(resp.Status, err)
		}
	}
	return time.Since(begun)
}
