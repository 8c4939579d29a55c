package prommetrics_test

import (
	"context"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/breakwater-go/breakwater/breaker"
	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/fetch/internal/origin"
	"github.com/breakwater-go/breakwater/fetch/prommetrics"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/upstream/gocmd"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

func newOrigin(t testing.TB) *origin.Origin {
	t.Helper()
	o, err := origin.New(os.DirFS("../../testdata/modules"))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// options returns those of a Client that keeps what it fetches in memory, tries
// once, checks nothing and logs nowhere.
func options(source upstream.Upstream) fetch.Options {
	return fetch.Options{
		Upstream: source,
		Store:    cache.NewMemory(nil),
		Go:       &fetch.GoSettings{GOSUMDB: "off"},
		Retry:    &breaker.RetryOptions{Tries: 1},
		Direct:   &gocmd.Options{Resolve: nowhere},
		Logger:   slog.New(slog.DiscardHandler),
	}
}

func nowhere(_ context.Context, host string) ([]netip.Addr, error) {
	return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
}

func newClient(t testing.TB, opts fetch.Options) *fetch.Client {
	t.Helper()
	c, err := fetch.New(&opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// A station is a Client that is observed, and what Prometheus would see of it.
type station struct {
	*fetch.Client
	metrics  *prommetrics.Metrics
	registry *prometheus.Registry
}

func observe(t testing.TB, opts fetch.Options) *station {
	t.Helper()
	return watch(t, newClient(t, opts))
}

func watch(t testing.TB, c *fetch.Client) *station {
	t.Helper()
	s := &station{Client: c, registry: prometheus.NewPedanticRegistry()}
	s.metrics = prommetrics.New(s.Client, nil)
	t.Cleanup(s.metrics.Close)
	s.registry.MustRegister(s.metrics)
	return s
}

// scrape returns the value of each series by its line in the exposition format,
// without the prefix of the names.
func (s *station) scrape(t testing.TB) map[string]float64 {
	t.Helper()
	w := httptest.NewRecorder()
	promhttp.HandlerFor(s.registry, promhttp.HandlerOpts{}).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if w.Code != http.StatusOK {
		t.Fatalf("scraping: status %d: %s", w.Code, w.Body)
	}
	all := map[string]float64{}
	for line := range strings.Lines(w.Body.String()) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		at := strings.LastIndex(line, " ")
		value, err := strconv.ParseFloat(strings.TrimSpace(line[at:]), 64)
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		all[strings.TrimPrefix(line[:at], "breakwater_")] = value
	}
	return all
}

// changes returns by how much act changes which series, without what depends on the
// clock and on the disk that the test runs on.
func (s *station) changes(t testing.TB, act func()) map[string]float64 {
	t.Helper()
	flush(t, s.Client) // of what came before
	before := s.scrape(t)
	act()
	flush(t, s.Client)
	after := s.scrape(t)
	for series := range after {
		after[series] -= before[series]
	}
	for series := range before {
		if _, ok := after[series]; !ok {
			t.Errorf("%s is gone", series)
		}
	}
	maps.DeleteFunc(after, func(series string, by float64) bool {
		name, _, _ := strings.Cut(series, "{")
		return by == 0 || strings.HasSuffix(name, "_bucket") || strings.HasSuffix(name, "_sum") || strings.HasSuffix(name, "_free_bytes") ||
			strings.HasPrefix(name, "cache_bytes") // which is how the store measures
	})
	return after
}

func request(t testing.TB, k upstream.Kind, path, version string) upstream.Request {
	t.Helper()
	req, err := upstream.NewRequest(k, path, version)
	if err != nil {
		t.Fatal(err)
	}
	return req
}

// ask fetches, and returns the size of the answer.
func ask(t testing.TB, f fetch.Fetcher, req upstream.Request) (int64, error) {
	t.Helper()
	resp, err := f.Fetch(t.Context(), req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	n, err := io.Copy(io.Discard, resp.Body)
	if err != nil {
		t.Error(err)
	}
	return n, nil
}

// flush waits until what was answered is stored.
func flush(t testing.TB, c *fetch.Client) {
	t.Helper()
	if err := c.Flush(t.Context()); err != nil {
		t.Error(err)
	}
}

// answer is the answer of a source of ours.
func answer(body string) (*upstream.Response, error) {
	return &upstream.Response{Body: io.NopCloser(strings.NewReader(body)), Size: int64(len(body))}, nil
}

func outage(req upstream.Request) error {
	return &upstream.Error{Request: req, Source: "a", Status: 503}
}

func named(name string, f upstream.Func) upstream.Upstream { return upstream.WithName(name, f) }

// serveFrom answers from what an origin has.
func serveFrom(o *origin.Origin, req upstream.Request) (*upstream.Response, error) {
	w := httptest.NewRecorder()
	o.ServeHTTP(w, httptest.NewRequest("GET", "/"+req.Key(), nil))
	if w.Code == http.StatusNotFound {
		return nil, &upstream.Error{Class: upstream.NotFound, Request: req, Status: w.Code}
	}
	return answer(w.Body.String())
}
