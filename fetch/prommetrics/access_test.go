package prommetrics_test

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/breakwater-go/breakwater/fetch"
	"github.com/google/go-cmp/cmp"
)

// What a handler answers is counted by method and status, and what a stranger may
// make up becomes no label.
func TestAccess(t *testing.T) {
	s := observe(t, options(named("a", hasMod)))
	h := fetch.NewHandler(s, &fetch.HandlerOptions{Access: s.metrics.Access})
	before := s.scrape(t)
	for _, r := range []struct{ method, path string }{
		{"GET", "/example.com/m/@v/v1.0.0.mod"},
		{"HEAD", "/example.com/m/@v/v1.0.0.mod"},
		{"GET", "/no such path"},
		{"POST", "/example.com/m/@v/v1.0.0.mod"},
		{"STRANGE", "/"},
		{"BREW-\xff", "/"},
	} {
		h.ServeHTTP(httptest.NewRecorder(), &http.Request{Method: r.method, URL: httptest.NewRequest("GET", "/", nil).URL.JoinPath(r.path), Header: http.Header{}})
	}
	s.metrics.Access(t.Context(), fetch.Access{Method: "GET", Status: 799, Sent: -1})

	got := s.scrape(t)
	maps.DeleteFunc(got, func(series string, value float64) bool {
		name, _, _ := strings.Cut(series, "{")
		return !strings.HasPrefix(name, "http_") || strings.HasSuffix(name, "_bucket") || strings.HasSuffix(name, "_sum") || value == before[series]
	})
	want := map[string]float64{
		`http_requests_total{code="200",method="GET"}`:      1,
		`http_requests_total{code="200",method="HEAD"}`:     1,
		`http_requests_total{code="404",method="GET"}`:      1,
		`http_requests_total{code="405",method="other"}`:    3,
		`http_requests_total{code="other",method="GET"}`:    1,
		`http_request_duration_seconds_count{code="200"}`:   2,
		`http_request_duration_seconds_count{code="404"}`:   1,
		`http_request_duration_seconds_count{code="405"}`:   3,
		`http_request_duration_seconds_count{code="other"}`: 1,
		`http_response_bytes_total`:                         got[`http_response_bytes_total`],
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("series of HTTP (-want +got):\n%s", diff)
	}
	if got[`http_response_bytes_total`] <= float64(len(goMod)) {
		t.Errorf("%v bytes were written", got[`http_response_bytes_total`])
	}
}
