package fetch_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/breakwater-go/breakwater/breaker"
	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/fetch/internal/origin"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/upstream/gocmd"
)

func newOrigin(t testing.TB) *origin.Origin {
	t.Helper()
	o, err := origin.New(os.DirFS("../testdata/modules"))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// serve runs h on a loopback socket until the test ends and returns its URL.
func serve(t testing.TB, h http.Handler) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

// newClient returns a Client that keeps what it fetches in memory, tries once
// and logs nowhere, unless opts say otherwise.
func newClient(t testing.TB, opts fetch.Options) *fetch.Client {
	t.Helper()
	if opts.Store == nil && opts.CacheDir == "" {
		opts.Store = cache.NewMemory(nil)
	}
	if opts.Go == nil {
		opts.Go = &fetch.GoSettings{}
	}
	if opts.Go.GOSUMDB == "" {
		settings := *opts.Go
		settings.GOSUMDB = "off" // of these modules no public database knows
		opts.Go = &settings
	}
	if opts.Retry == nil {
		opts.Retry = &breaker.RetryOptions{Tries: 1}
	}
	if opts.Direct == nil { // nothing in these tests leaves the machine
		opts.Direct = &gocmd.Options{Resolve: nowhere}
	}
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
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

// nowhere says of each host that it does not exist.
func nowhere(_ context.Context, host string) ([]netip.Addr, error) {
	return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
}

// proxyOptions are the options for sources given as a GOPROXY list.
func proxyOptions(goproxy string) fetch.Options {
	return fetch.Options{Go: &fetch.GoSettings{GOPROXY: goproxy}}
}

func request(t testing.TB, k upstream.Kind, path, version string) upstream.Request {
	t.Helper()
	req, err := upstream.NewRequest(k, path, version)
	if err != nil {
		t.Fatal(err)
	}
	return req
}

// read returns the body of resp, closed.
func read(t testing.TB, resp *upstream.Response) string {
	t.Helper()
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// scripted is a source whose answers are functions, by key suffix; it counts.
type scripted struct {
	calls  atomic.Int64
	answer func(ctx context.Context, req upstream.Request) (string, error)
}

func (s *scripted) Name() string { return "scripted" }

func (s *scripted) Fetch(ctx context.Context, req upstream.Request) (*upstream.Response, error) {
	s.calls.Add(1)
	body, err := s.answer(ctx, req)
	if err != nil {
		return nil, err
	}
	return &upstream.Response{
		Body: io.NopCloser(strings.NewReader(body)), Size: int64(len(body)), Source: s.Name(),
	}, nil
}

func outage(req upstream.Request) error {
	return &upstream.Error{Request: req, Source: "scripted", Status: 503}
}

func absent(req upstream.Request) error {
	return &upstream.Error{Class: upstream.NotFound, Request: req, Source: "scripted", Status: 404}
}

// get asks the handler at url for a path and returns status, header and body.
func get(t testing.TB, url string, header ...string) (int, http.Header, string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(body)
}

// copyAll is io.Copy that a reader cannot shorten by WriterTo.
func copyAll(w io.Writer, r io.Reader) (int64, error) {
	return io.Copy(w, struct{ io.Reader }{r})
}
