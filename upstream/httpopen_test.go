package upstream_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	stdlog "log"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
)

const (
	dialTakes   = 100 * time.Millisecond
	answerTakes = 10 * time.Second
)

// A line is a server over TLS that is reached through net.Pipe, for a bubble.
type line struct {
	upstream.Upstream
	mu    sync.Mutex
	dials int
}

// dialed starts a line. Each dial goes through trouble first, which is told how many
// there were before.
func dialed(t *testing.T, certs *httptest.Server, http2 bool, trouble func(ctx context.Context, earlier int) error) *line {
	l, conns := &line{}, make(pipes)
	server := &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			time.Sleep(answerTakes)
			io.WriteString(w, "body")
		}),
		TLSConfig: &tls.Config{Certificates: certs.TLS.Certificates},
		Protocols: new(http.Protocols),
		ErrorLog:  stdlog.New(io.Discard, "", 0),
	}
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetHTTP2(http2)
	go server.ServeTLS(conns, "", "")
	transport := &http.Transport{TLSClientConfig: trusting(certs), ForceAttemptHTTP2: true, MaxIdleConnsPerHost: 64, IdleConnTimeout: 30 * time.Second}
	transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
		l.mu.Lock()
		earlier := l.dials
		l.dials++
		l.mu.Unlock()
		if err := trouble(ctx, earlier); err != nil {
			return nil, err
		}
		time.Sleep(dialTakes)
		here, there := net.Pipe()
		conns <- there
		return here, nil
	}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		server.Close()
	})
	l.Upstream = newHTTP(t, "https://example.com", &upstream.HTTPOptions{Transport: transport})
	return l
}

// A burst is what came of requests that were made at the same time.
type burst struct {
	Dials, Failed int // of which Dials counts all since the line was there
	Took          time.Duration
}

func (l *line) burst(t *testing.T, n int) burst {
	var b burst
	start := time.Now()
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			_, err := upstream.ReadAll(t.Context(), l, request(t, "a.b/c/@v/v1.0.0.mod"))
			l.mu.Lock()
			defer l.mu.Unlock()
			if err != nil {
				b.Failed++
			}
		})
		synctest.Wait() // so that the first is the first
	}
	wg.Wait()
	b.Took, b.Dials = time.Since(start), l.dials
	return b
}

// Who finds no connection waits for one that is on its way, unless every request needs
// its own; who opens it need not be answered before the others go on.
func TestHTTPOpensOneConnection(t *testing.T) {
	hangs := func(ctx context.Context, earlier int) error {
		if earlier > 0 {
			return nil
		}
		<-ctx.Done()
		return ctx.Err()
	}
	fails := func(_ context.Context, earlier int) error {
		if earlier > 0 {
			return nil
		}
		time.Sleep(dialTakes)
		return errors.New("refused")
	}
	fine := func(context.Context, int) error { return nil }
	const pause = time.Second // how long the others wait at most
	tests := []struct {
		name    string
		http2   bool
		trouble func(context.Context, int) error
		want    [2]burst // the second comes when the connections have been idle for too long
	}{
		{"HTTP/2", true, fine, [2]burst{{1, 0, dialTakes + answerTakes}, {2, 0, dialTakes + answerTakes}}},
		{"HTTP/1.1", false, fine, [2]burst{{20, 0, 2*dialTakes + answerTakes}, {40, 0, dialTakes + answerTakes}}},
		// Then the others go, each for itself, and the first over what they open.
		{"hangs", true, hangs, [2]burst{{20, 0, pause + dialTakes + answerTakes}, {21, 0, dialTakes + answerTakes}}},
		{"fails", true, fails, [2]burst{{20, 1, 2*dialTakes + answerTakes}, {21, 0, dialTakes + answerTakes}}},
	}
	certs := httptest.NewTLSServer(nil)
	defer certs.Close()
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var got [2]burst
				l := dialed(t, certs, test.http2, test.trouble)
				got[0] = l.burst(t, 20)
				time.Sleep(time.Minute)
				got[1] = l.burst(t, 20)
				if diff := cmp.Diff(test.want, got); diff != "" {
					t.Errorf("bursts (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// A caller who waits for what another opens may leave.
func TestHTTPCallerLeavesTheOpener(t *testing.T) {
	certs := httptest.NewTLSServer(nil)
	defer certs.Close()
	synctest.Test(t, func(t *testing.T) {
		l := dialed(t, certs, true, func(context.Context, int) error { return nil })
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := upstream.ReadAll(t.Context(), l, request(t, "a.b/c/@latest")); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), dialTakes/2)
		defer cancel()
		_, err := l.Fetch(ctx, request(t, "a.b/c/@latest"))
		wantError(t, err, upstream.Timeout)
		if took := time.Since(start); took != dialTakes/2 {
			t.Errorf("it took %v to leave", took)
		}
		wg.Wait()
	})
}
