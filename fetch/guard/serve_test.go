package guard_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/breakwater-go/breakwater/fetch/guard"
)

// A held server has one request under way, which ends when it is let go or cut off.
type held struct {
	server   *http.Server
	listener net.Listener
	arrived  chan struct{}
	letGo    chan struct{}
	cut      chan struct{} // closed when the request's context has ended
}

func newHeld(t *testing.T) *held {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := &held{listener: listener, arrived: make(chan struct{}), letGo: make(chan struct{}), cut: make(chan struct{})}
	h.server = &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(h.arrived)
		select {
		case <-h.letGo:
			io.WriteString(w, "whole")
		case <-r.Context().Done():
			close(h.cut)
		}
	})}
	return h
}

// serve serves, and returns what Serve will.
func (h *held) serve(ctx context.Context, drain time.Duration) <-chan error {
	ended := make(chan error, 1)
	go func() { ended <- guard.Serve(ctx, h.server, h.listener, drain) }()
	return ended
}

type answer struct {
	body string
	err  error
}

// ask makes the request, and returns when it has arrived.
func (h *held) ask(t *testing.T) <-chan answer {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	answered := make(chan answer, 1)
	go func() {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+h.listener.Addr().String(), nil)
		if err != nil {
			answered <- answer{err: err}
			return
		}
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			answered <- answer{err: err}
			return
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		answered <- answer{string(body), err}
	}()
	select {
	case <-h.arrived:
	case <-ctx.Done():
		t.Fatal("no request arrived")
	}
	return answered
}

func TestServeFinishesWhatIsUnderWay(t *testing.T) {
	h := newHeld(t)
	ctx, end := context.WithCancel(t.Context())
	ended := h.serve(ctx, 0)
	answered := h.ask(t)
	end()
	waitUntilClosed(t, h.listener)
	select {
	case err := <-ended:
		t.Fatalf("Serve returned %v before the request was finished", err)
	default:
	}
	close(h.letGo)
	if err := <-ended; err != nil {
		t.Errorf("Serve: %v", err)
	}
	if got := <-answered; got.err != nil || got.body != "whole" {
		t.Errorf("the request under way got %q, %v", got.body, got.err)
	}
}

func TestServeCutsOffWhatDoesNotFinish(t *testing.T) {
	for name, drain := range map[string]time.Duration{"drain": time.Millisecond, "no drain": -1} {
		t.Run(name, func(t *testing.T) {
			h := newHeld(t)
			ctx, end := context.WithCancel(t.Context())
			ended := h.serve(ctx, drain)
			answered := h.ask(t)
			end()
			if err := <-ended; !errors.Is(err, guard.ErrCutOff) {
				t.Errorf("Serve: %v, want ErrCutOff", err)
			}
			if got := <-answered; got.err == nil {
				t.Errorf("the request under way got %q, want an error", got.body)
			}
			<-h.cut
		})
	}
}

func TestServeWithNothingUnderWay(t *testing.T) {
	for name, drain := range map[string]time.Duration{"drain": 0, "no drain": -1} {
		t.Run(name, func(t *testing.T) {
			h := newHeld(t)
			ctx, end := context.WithCancel(t.Context())
			end() // before it began
			if err := guard.Serve(ctx, h.server, h.listener, drain); err != nil {
				t.Errorf("Serve: %v", err)
			}
			waitUntilClosed(t, h.listener)
		})
	}
}

// A listener that fails is no reason to cut off what it has brought before.
func TestServeFinishesAfterAFailure(t *testing.T) {
	h := newHeld(t)
	ended := h.serve(t.Context(), 0)
	answered := h.ask(t)
	h.listener.Close()
	close(h.letGo)
	if err := <-ended; !errors.Is(err, net.ErrClosed) {
		t.Errorf("Serve: %v, want the listener's error", err)
	}
	if got := <-answered; got.err != nil || got.body != "whole" {
		t.Errorf("the request under way got %q, %v", got.body, got.err)
	}
}

func TestServeTellsOfAShutdown(t *testing.T) {
	h := newHeld(t)
	if err := h.server.Close(); err != nil {
		t.Fatal(err)
	}
	if err := guard.Serve(t.Context(), h.server, h.listener, 0); !errors.Is(err, http.ErrServerClosed) {
		t.Errorf("Serve: %v, want ErrServerClosed", err)
	}
	waitUntilClosed(t, h.listener)
}

func TestServeWithoutACertificate(t *testing.T) {
	h := newHeld(t)
	h.server.TLSConfig = &tls.Config{}
	if err := guard.Serve(t.Context(), h.server, h.listener, 0); err == nil {
		t.Error("Serve: no error, want that there is no certificate")
	}
	waitUntilClosed(t, h.listener)
}

// waitUntilClosed waits until nobody is let in any more.
func waitUntilClosed(t *testing.T, listener net.Listener) {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); {
		conn, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			return
		}
		conn.Close()
	}
	t.Fatal("connections are still accepted")
}
