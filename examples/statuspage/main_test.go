package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
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
		from, path, header string
		want               int
	}{
		{"192.0.2.7:1", "/status", "", http.StatusOK},
		{"192.0.2.7:1", "/status", "X-Forwarded-For", http.StatusForbidden},
		{"192.0.2.7:1", "/status", "Forwarded", http.StatusForbidden},
		{"192.0.2.7:1", "/goproxy/example.com/hello/@v/v1.0.0.mod", "X-Forwarded-For", http.StatusOK},
		{"198.51.100.7:1", "/status", "", http.StatusForbidden},
		{"198.51.100.7:1", "/goproxy/example.com/hello/@v/v1.0.0.mod", "", http.StatusOK},
	} {
		r := httptest.NewRequest("GET", tt.path, nil)
		r.RemoteAddr = tt.from
		if tt.header != "" {
			r.Header.Set(tt.header, "203.0.113.9")
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != tt.want {
			t.Errorf("%s from %s %s: %d, want %d", tt.path, tt.from, tt.header, w.Code, tt.want)
		}
	}
}

func TestWrongNetworkIsAnError(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := run(ctx, "127.0.0.1:0", "localhost", "everybody", t.Output()); err == nil || errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
}

// A name of somebody else's that leads here would let its owner's page read this one.
func TestOtherNamesAreRefused(t *testing.T) {
	t.Setenv("GOPROXY", "off")
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	ctx, stop := context.WithCancel(t.Context())
	said, saying := io.Pipe()
	done := make(chan error, 1)
	go func() { done <- run(ctx, "127.0.0.1:0", "localhost,127.0.0.1", "127.0.0.0/8", saying) }()
	line, err := bufio.NewReader(said).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	url := strings.TrimSpace(line[strings.LastIndex(line, "http://"):])
	for name, want := range map[string]int{"": http.StatusOK, "localhost": http.StatusOK, "evil.example": http.StatusMisdirectedRequest} {
		r, err := http.NewRequestWithContext(t.Context(), "GET", url, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = name
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("as %q: %d, want %d", name, resp.StatusCode, want)
		}
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
