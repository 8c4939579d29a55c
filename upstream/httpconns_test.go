package upstream_test

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/breakwater-go/breakwater/upstream"
)

// countingConns starts a server and counts the connections that are made to it.
func countingConns(t *testing.T, h http.Handler, overTLS, http2 bool) (u upstream.Upstream, conns *atomic.Int64) {
	t.Helper()
	conns = new(atomic.Int64)
	server := httptest.NewUnstartedServer(h)
	server.EnableHTTP2 = http2
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			conns.Add(1)
		}
	}
	if overTLS {
		server.StartTLS()
		u = newHTTP(t, server.URL, &upstream.HTTPOptions{TLS: trusting(server)})
	} else {
		server.Start()
		u = newHTTP(t, server.URL, nil)
	}
	t.Cleanup(server.Close)
	return u, conns
}

// fetchAll asks for the files of one version at the same time.
func fetchAll(t *testing.T, u upstream.Upstream) {
	t.Helper()
	var wg sync.WaitGroup
	for _, file := range []string{"info", "mod", "zip"} {
		wg.Go(func() {
			resp, err := u.Fetch(t.Context(), request(t, "a.b/c/@v/v1.0.0."+file))
			if err != nil {
				t.Error(err)
				return
			}
			if body, err := readBody(resp); body != "body" || err != nil {
				t.Errorf("%s: body %q, error %v", file, body, err)
			}
		})
	}
	wg.Wait()
}

// All files of a version are on their way at once, over one connection where HTTP/2
// allows it, and over one for each where not; and these are kept.
func TestHTTPFilesShareConnections(t *testing.T) {
	tests := []struct {
		name           string
		overTLS, http2 bool
		conns          int64
	}{
		{"HTTP/2", true, true, 1},
		{"HTTP/1.1 over TLS", true, false, 3},
		{"HTTP/1.1", false, false, 3},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			together := make(chan *sync.WaitGroup, 1)
			u, conns := countingConns(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				all := <-together
				together <- all
				all.Done()
				all.Wait() // nobody is answered before all have asked
				io.WriteString(w, "body")
			}), test.overTLS, test.http2)
			for range 4 {
				all := new(sync.WaitGroup)
				all.Add(3)
				together <- all
				fetchAll(t, u)
				<-together
			}
			if n := conns.Load(); n != test.conns {
				t.Errorf("%d connections for 4 times 3 files, want %d", n, test.conns)
			}
		})
	}
}

func TestHTTPKeepsItsConnection(t *testing.T) {
	for name, overTLS := range map[string]bool{"HTTP/2": true, "HTTP/1.1": false} {
		t.Run(name, func(t *testing.T) {
			u, conns := countingConns(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/a.b/c/@latest" {
					http.Error(w, "an error's body is read, too", http.StatusNotFound)
				}
			}), overTLS, overTLS)
			for range 50 {
				if _, err := upstream.ReadAll(t.Context(), u, request(t, "a.b/c/@v/v1.0.0.mod")); err != nil {
					t.Fatal(err)
				}
				_, err := u.Fetch(t.Context(), request(t, "a.b/c/@latest"))
				wantError(t, err, upstream.NotFound)
			}
			if n := conns.Load(); n != 1 {
				t.Errorf("%d connections for 100 requests", n)
			}
		})
	}
}
