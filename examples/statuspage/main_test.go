package main

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/fetch/guard"
)

// The page names private modules, so not everybody who gets modules here may see it.
func TestStatusIsGuarded(t *testing.T) {
	s := newService(t, newMirror(t))
	status := fetch.NewStatusHandler(s.client, nil)
	defer status.Close()
	h := routes(s.client, status, guard.Networks(netip.MustParsePrefix("192.0.2.0/24")))
	for _, tt := range []struct {
		from, path string
		want       int
	}{
		{"192.0.2.7:1", "/status", http.StatusOK},
		{"198.51.100.7:1", "/status", http.StatusForbidden},
		{"198.51.100.7:1", "/goproxy/example.com/hello/@v/v1.0.0.mod", http.StatusOK},
	} {
		r := httptest.NewRequest("GET", tt.path, nil)
		r.RemoteAddr = tt.from
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != tt.want {
			t.Errorf("%s from %s: %d, want %d", tt.path, tt.from, w.Code, tt.want)
		}
	}
}

func TestWrongNetworkIsAnError(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := run(ctx, "127.0.0.1:0", "everybody", t.Output()); err == nil || errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
}
