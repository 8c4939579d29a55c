package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/breakwater-go/breakwater/breaker"
	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/fetch/guard"
	"github.com/breakwater-go/breakwater/upstream"
)

// A service is what this program serves, over sources of the test's own.
type service struct {
	url    string // of the status page
	client *fetch.Client
	server *http.Server
}

// newMirror returns the URL of a source that has one version of each module.
func newMirror(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		module, file, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/@v/")
		switch {
		case strings.HasPrefix(module, "absent.example"):
			http.NotFound(w, r)
		case file == "list":
			fmt.Fprintln(w, "v1.0.0")
		case strings.HasSuffix(file, ".mod"):
			fmt.Fprintln(w, "module", module)
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// deadMirror returns a URL at which nobody listens.
func deadMirror(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	return "http://" + l.Addr().String()
}

// newService serves modules from a GOPROXY list until the test ends.
func newService(t *testing.T, goproxy string) *service {
	t.Helper()
	client, err := fetch.New(&fetch.Options{
		Go:      &fetch.GoSettings{GOPROXY: goproxy, GOSUMDB: "off", GOAUTH: "off"},
		Store:   cache.NewMemory(nil),
		Retry:   &breaker.RetryOptions{Tries: 1},
		Circuit: &breaker.CircuitOptions{OpenFor: time.Hour},
		Logger:  slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	status := fetch.NewStatusHandler(client, &fetch.StatusOptions{Diagnose: true})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	may := guard.Networks(netip.MustParsePrefix("127.0.0.0/8"))
	s := &service{"http://" + listener.Addr().String() + "/status", client, guard.Server(routes(client, status, may), nil)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.server.Serve(listener) // until it is closed
	}()
	t.Cleanup(func() {
		s.server.Close()
		<-done
		status.Close()
		if err := client.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// ask asks for a go.mod file, and does not mind what comes of it.
func (s *service) ask(t *testing.T, module string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	req, err := upstream.NewRequest(upstream.Mod, module, "v1.0.0")
	if err != nil {
		t.Fatal(err)
	}
	if resp, err := s.client.Fetch(ctx, req); err == nil {
		resp.Body.Close()
	}
}

// healthy has two mirrors that work, and some traffic.
func healthy(t *testing.T) *service {
	s := newService(t, newMirror(t)+"|"+newMirror(t))
	for i := range 40 {
		s.ask(t, fmt.Sprintf("example.com/module/number%d", i%7))
	}
	s.ask(t, "absent.example/module")
	return s
}

// ailing has a mirror of which the circuit is open, and one that works. The name of
// one module is long and cannot be broken.
func ailing(t *testing.T) *service {
	s := newService(t, deadMirror(t)+"|"+newMirror(t))
	for i := range 40 {
		s.ask(t, fmt.Sprintf("example.com/module/number%d", i%9))
	}
	s.ask(t, "example.com/"+strings.Repeat("very-long-without-a-break", 9))
	return s
}

// failing has nothing but a dead mirror.
func failing(t *testing.T) *service {
	s := newService(t, deadMirror(t))
	for i := range 30 {
		s.ask(t, fmt.Sprintf("example.com/module/number%d", i%4))
	}
	return s
}
