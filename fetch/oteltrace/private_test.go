package oteltrace_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/fetch/oteltrace"
	"github.com/breakwater-go/breakwater/upstream"
)

// What spans must not hold: credentials never, names only where they may.
func TestWhatSpansDoNotHold(t *testing.T) {
	refuses := func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "nothing at "+r.URL.Path, http.StatusUnauthorized)
	}
	fails := func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusBadGateway)
		io.WriteString(w, "cannot get "+r.URL.Path)
	}
	redirects := func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://bob:hunter2@127.0.0.1:1"+r.URL.Path+"?signature=hunter2", http.StatusFound)
	}
	breaks := func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
	for name, answer := range map[string]http.HandlerFunc{
		"refused": refuses, "failed": fails, "redirected": redirects, "broken off": breaks,
	} {
		for _, names := range []bool{true, false} {
			t.Run(name, func(t *testing.T) {
				server := httptest.NewServer(answer)
				defer server.Close()
				at := strings.Replace(server.URL, "http://", "http://alice:hunter2@", 1)
				one, err := upstream.NewHTTP(at, nil)
				if err != nil {
					t.Fatal(err)
				}
				c := newTraced(t, fetch.Options{Upstream: one}, oteltrace.Options{ModuleNames: names})
				ask(t.Context(), c, request(t, upstream.Mod, "v1.2.3-private"))
				c.account.settle(t, c.Client)
				text := c.account.text()
				if strings.Contains(text, "hunter2") {
					t.Errorf("a credential is in the spans:\n%s", text)
				}
				for _, private := range []string{"example.com/hello", "v1.2.3-private"} {
					if got := strings.Contains(text, private); got != names {
						t.Errorf("%q is in the spans: %v, want %v:\n%s", private, got, names, text)
					}
				}
			})
		}
	}
}
