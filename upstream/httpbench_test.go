package upstream_test

import (
	"errors"
	"fmt"
	"io"
	stdlog "log"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
)

// BenchmarkHTTPFetch asks a source and a plain client for the same file in turns, so
// that both meet the same moods of the machine. What to look at is x-plain, the ratio
// of their median times, and more-allocs, the source's allocations over the client's;
// both count what the server does too.
func BenchmarkHTTPFetch(b *testing.B) {
	for _, test := range []struct {
		name, key string
		size      int
		http2     bool
	}{
		{"small", "a.b/c/@v/v1.0.0.mod", 300, false},
		{"large", "a.b/c/@v/v1.0.0.zip", 100 << 20, false},
		{"small over HTTP2", "a.b/c/@v/v1.0.0.mod", 300, true},
		{"large over HTTP2", "a.b/c/@v/v1.0.0.zip", 100 << 20, true},
	} {
		b.Run(test.name, func(b *testing.B) {
			server := httptest.NewUnstartedServer(giving(make([]byte, test.size)))
			defer server.Close()
			opts, plain := &upstream.HTTPOptions{}, &http.Transport{DisableCompression: true, ForceAttemptHTTP2: true}
			defer plain.CloseIdleConnections()
			if test.http2 {
				server.EnableHTTP2 = true
				server.StartTLS()
				opts.TLS, plain.TLSClientConfig = trusting(server), trusting(server)
			} else {
				server.Start()
			}
			source := newHTTP(b, server.URL, opts)
			client := &http.Client{Transport: plain}
			req := request(b, test.key)
			buf := make([]byte, 128<<10)
			beside(b, func() error {
				resp, err := source.Fetch(b.Context(), req)
				if err != nil {
					return err
				}
				return drain(resp.Body, test.size, buf)
			}, func() error {
				resp, err := client.Get(server.URL + req.URLPath())
				if err != nil {
					return err
				}
				return drain(resp.Body, test.size, buf)
			})
		})
	}
}

// BenchmarkHTTPBurst asks for many small files at once, with no connection to begin with
// and over HTTP/2.
func BenchmarkHTTPBurst(b *testing.B) {
	for _, files := range []int{3, 50, 200} {
		b.Run(strconv.Itoa(files), func(b *testing.B) {
			server := httptest.NewUnstartedServer(giving(make([]byte, 300)))
			server.EnableHTTP2 = true
			server.Config.ErrorLog = stdlog.New(io.Discard, "", 0) // net/http hangs up on most connections
			server.StartTLS()
			defer server.Close()
			req := request(b, "a.b/c/@v/v1.0.0.mod")
			beside(b, func() error {
				source := newHTTP(b, server.URL, &upstream.HTTPOptions{TLS: trusting(server)})
				defer source.(interface{ CloseIdleConnections() }).CloseIdleConnections()
				return atOnce(files, func() error {
					_, err := upstream.ReadAll(b.Context(), source, req)
					return err
				})
			}, func() error {
				plain := &http.Client{Transport: &http.Transport{TLSClientConfig: trusting(server), ForceAttemptHTTP2: true, DisableCompression: true}}
				defer plain.CloseIdleConnections()
				return atOnce(files, func() error {
					resp, err := plain.Get(server.URL + req.URLPath())
					if err != nil {
						return err
					}
					return drain(resp.Body, 300, nil)
				})
			})
		})
	}
}

// atOnce calls ask n times, at the same time.
func atOnce(n int, ask func() error) error {
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { errs[i] = ask() })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// giving answers everything with content, whose length it tells.
func giving(content []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", strconv.Itoa(len(content)))
		w.Write(content)
	}
}

// drain reads a body through buf, to its end at size, and closes it.
func drain(body io.ReadCloser, size int, buf []byte) error {
	sink := struct{ io.Writer }{io.Discard} // which by itself brings a smaller buffer
	n, err := io.CopyBuffer(sink, body, buf)
	if err == nil && n != int64(size) {
		err = fmt.Errorf("read %d bytes, want %d", n, size)
	}
	return errors.Join(err, body.Close())
}

// beside runs ours and plain in turns, and reports how they compare.
func beside(b *testing.B, ours, plain func() error) {
	var times [2][]time.Duration
	for b.Loop() {
		for i, ask := range []func() error{ours, plain} {
			start := time.Now()
			if err := ask(); err != nil {
				b.Fatal(err)
			}
			times[i] = append(times[i], time.Since(start))
		}
	}
	b.ReportMetric(float64(median(times[0])), "ns/ours")
	b.ReportMetric(float64(median(times[0]))/float64(median(times[1])), "x-plain")
	b.ReportMetric(allocations(b, ours)-allocations(b, plain), "more-allocs")
	b.ReportMetric(0, "ns/op") // of both together: says nothing
}

func median(times []time.Duration) time.Duration {
	slices.Sort(times)
	return times[len(times)/2]
}

// allocations returns how many of them a call of ask makes, on all goroutines.
func allocations(b *testing.B, ask func() error) float64 {
	const runs = 20
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range runs {
		if err := ask(); err != nil {
			b.Fatal(err)
		}
	}
	runtime.ReadMemStats(&after)
	return float64(after.Mallocs-before.Mallocs) / runs
}
