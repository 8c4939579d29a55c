package fetch_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/fetch/internal/origin"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
)

// The names in the JSON are what others have written rules for.
func TestReadinessAsJSON(t *testing.T) {
	works := &scripted{answer: func(_ context.Context, req upstream.Request) (string, error) { return "", absent(req) }}
	down := &scripted{answer: func(_ context.Context, req upstream.Request) (string, error) { return "", outage(req) }}
	c := newClient(t, fetch.Options{
		Upstream: works, Circuit: fragile(),
		Private: []upstream.Route{{Patterns: "corp.example", Upstream: upstream.WithName("inside", down)}},
	})
	fetchSome(t, c, "corp.example/hidden", "zip")
	status, header, body := get(t, serve(t, fetch.NewReadinessHandler(c, nil)))
	if status != http.StatusOK || header.Get("Content-Type") != "application/json" || header.Get("Cache-Control") != "no-store" {
		t.Errorf("status %d, header %v", status, header)
	}
	var got map[string]any
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatalf("%v\n%s", err, body)
	}
	sources := got["sources"].([]any)
	if failed := sources[1].(map[string]any); failed["failed"] == nil {
		t.Errorf("no time of the failure: %v", failed)
	} else {
		delete(failed, "failed")
	}
	want := map[string]any{
		"ready":  true,
		"serve":  map[string]any{"ok": true, "reason": "the store answers"},
		"fetch":  map[string]any{"ok": true, "reason": anyOut},
		"verify": map[string]any{"ok": true, "off": true, "reason": "nothing is verified"},
		"sources": []any{
			map[string]any{
				"name": "scripted", "role": "modules", "state": "working",
				"lanes": map[string]any{"small files": "working", "zips": "working", "checksum database": "working"},
			},
			map[string]any{
				"name": "inside", "role": "private modules", "state": "out", "failure": "unavailable",
				"lanes": map[string]any{"small files": "working", "zips": "out", "checksum database": "working"},
			},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Each ability can be required, by itself and with others.
func TestReadinessRequires(t *testing.T) {
	o, opts := withDatabase(t)
	opts.Circuit = fragile()
	c := newClient(t, opts)
	o.Fail(failDatabase(origin.Status(500)))
	fetchSome(t, c, "example.com/hello", "zip")
	o.Fail(origin.Status(500))
	fetchSome(t, c, "example.com/hello", "list")
	fetchSome(t, c, "example.com/hello", "zip")
	for _, tt := range []struct {
		require fetch.Abilities
		want    int
	}{
		{0, 200},
		{fetch.CanServe, 200},
		{fetch.CanFetch, 503},
		{fetch.CanVerify, 503},
		{fetch.CanServe | fetch.CanFetch, 503},
		{fetch.CanServe | fetch.CanFetch | fetch.CanVerify, 503},
	} {
		h := serve(t, fetch.NewReadinessHandler(c, &fetch.ReadinessOptions{Require: tt.require}))
		if status, _, body := get(t, h); status != tt.want {
			t.Errorf("%03b: status %d, want %d\n%s", tt.require, status, tt.want, body)
		}
	}
}

// Whoever may ask for readiness learns nothing that he should not know.
func TestReadinessTellsNoSecrets(t *testing.T) {
	down := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "s3cret "+r.URL.Path, 500)
	}))
	o := newOrigin(t)
	opts := proxyOptions(strings.Replace(down, "://", "://ann:s3cret@", 1))
	opts.Go.GOSUMDB = o.VerifierKey
	opts.CacheDir = t.TempDir()
	opts.Circuit = fragile()
	c := newClient(t, opts)
	fetchSome(t, c, "example.com/hidden", "list")
	fetchSome(t, c, "example.com/hidden", "zip")
	_, _, body := get(t, serve(t, fetch.NewReadinessHandler(c, nil)))
	for _, secret := range []string{"s3cret", "ann", "hidden", opts.CacheDir} {
		if strings.Contains(body, secret) {
			t.Errorf("%q is in it:\n%s", secret, body)
		}
	}
}

func TestChecksAnswerThoseWhoRead(t *testing.T) {
	c := newClient(t, fetch.Options{Store: cache.NewMemory(nil), Upstream: upstream.Off()})
	for name, h := range map[string]http.Handler{"live": fetch.LivenessHandler(), "ready": fetch.NewReadinessHandler(c, nil)} {
		t.Run(name, func(t *testing.T) {
			for method, want := range map[string]int{"GET": 200, "HEAD": 200, "POST": 405, "PUT": 405, "OPTIONS": 405} {
				w := httptest.NewRecorder()
				h.ServeHTTP(w, httptest.NewRequest(method, "/", nil))
				if w.Code != want || (w.Body.Len() == 0) != (method == "HEAD") {
					t.Errorf("%s: status %d, body %q", method, w.Code, w.Body)
				}
				if allow := w.Header().Get("Allow"); want == 405 && allow != "GET, HEAD" {
					t.Errorf("%s: Allow %q", method, allow)
				}
			}
		})
	}
}

// A Client that was closed still answers, that it is alive and not ready.
func TestChecksOfAClosedClient(t *testing.T) {
	c := newClient(t, fetch.Options{Store: cache.NewMemory(nil), Upstream: upstream.Off()})
	ready := serve(t, fetch.NewReadinessHandler(c, nil))
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	status, _, body := get(t, ready)
	if status != http.StatusServiceUnavailable || !strings.Contains(body, `"ready": false`) || !strings.Contains(body, `"sources": []`) {
		t.Errorf("status %d\n%s", status, body)
	}
	if status, _, body := get(t, serve(t, fetch.LivenessHandler())); status != http.StatusOK || body != "ok\n" {
		t.Errorf("status %d, %q", status, body)
	}
}
