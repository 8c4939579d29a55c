package fetch_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
)

// served is a server in this process, so that time can be the test's own.
type served struct{ http.Handler }

func (s served) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w.Result(), nil
}

// An answer that is old at a Breakwater before this one is as old here: each of them
// says so, and asks again.
func TestAgeThroughTiers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		down := false
		public := &scripted{answer: func(_ context.Context, req upstream.Request) (string, error) {
			if down {
				return "", outage(req)
			}
			return "v1.0.0\n", nil
		}}
		regional := fetch.NewHandler(newClient(t, fetch.Options{Upstream: public}), nil)
		source, err := upstream.NewHTTP("http://regional.example", &upstream.HTTPOptions{Transport: served{regional}})
		if err != nil {
			t.Fatal(err)
		}
		local := fetch.NewHandler(newClient(t, fetch.Options{Upstream: source}), nil)
		list := func(h http.Handler) []string {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest("GET", "/example.com/hello/@v/list", nil))
			return []string{w.Header().Get("Age"), w.Header().Get("Cache-Control"), w.Body.String()}
		}
		list(regional)
		down = true
		time.Sleep(time.Hour)
		if diff := cmp.Diff([]string{"3600", "no-cache", "v1.0.0\n"}, list(local)); diff != "" {
			t.Errorf("asked for the first time (-want +got):\n%s", diff)
		}
		time.Sleep(time.Minute)
		if diff := cmp.Diff([]string{"3660", "no-cache", "v1.0.0\n"}, list(local)); diff != "" {
			t.Errorf("a minute later (-want +got):\n%s", diff)
		}
		down = false
		time.Sleep(time.Minute)
		if diff := cmp.Diff([]string{"", "max-age=60", "v1.0.0\n"}, list(local)); diff != "" {
			t.Errorf("when the sources are back (-want +got):\n%s", diff)
		}
	})
}
