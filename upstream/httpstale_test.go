package upstream_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
)

// What a source calls old does not get younger by coming from there; whatever else
// stands in Cache-Status says nothing.
func TestHTTPStale(t *testing.T) {
	const hour = "3600"
	tests := []struct {
		name, key string
		status    []string
		age       string
		want      bool
	}{
		{"stale", "a.b/c/@v/list", []string{`breakwater; hit; ttl=-3600; detail="stale: it is down"`}, hour, true},
		{"in another cache's line", "a.b/c/@latest", []string{`near; fwd=miss`, `far; hit;ttl=-1`}, hour, true},
		{"in another member", "a.b/c/@v/list", []string{`far; hit; ttl=-1, near; fwd=miss`}, hour, true},
		{"fresh", "a.b/c/@v/list", []string{`cdn; hit; ttl=30`}, hour, false},
		{"in a string", "a.b/c/@v/list", []string{`cdn; hit; detail="a \"; ttl=-5"`}, hour, false},
		{"another parameter", "a.b/c/@v/list", []string{`cdn; hit; nottl=-5; ttl=x`}, hour, false},
		{"no word of it", "a.b/c/@v/list", nil, hour, false},
		{"of no age", "a.b/c/@v/list", []string{`breakwater; hit; ttl=-3600`}, "", false},
		{"of a senseless age", "a.b/c/@v/list", []string{`breakwater; hit; ttl=-3600`}, "-3600", false},
		{"of an endless age", "a.b/c/@v/list", []string{`breakwater; hit; ttl=-3600`}, "99999999999999999999", false},
		{"what cannot change", "a.b/c/@v/v1.0.0.mod", []string{`breakwater; hit; ttl=-3600`}, hour, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header()["Cache-Status"] = tt.status
				w.Header().Set("Age", tt.age)
				w.Write([]byte("{}"))
			}))
			defer server.Close()
			source, err := upstream.NewHTTP(server.URL, nil)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := source.Fetch(t.Context(), request(t, tt.key))
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if got := errors.Is(resp.Stale, upstream.ErrStaleThere); got != tt.want {
				t.Errorf("stale: %v, want %v", got, tt.want)
			}
			if old := time.Since(resp.Fetched) >= time.Hour && !resp.Fetched.IsZero(); old != tt.want {
				t.Errorf("fetched at %v", resp.Fetched)
			}
		})
	}
}
