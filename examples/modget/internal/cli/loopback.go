package cli

import (
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/breakwater-go/breakwater/fetch"
)

// A loopback is this program as a module proxy for the go commands that it starts.
type loopback struct {
	url    string
	server *http.Server
	done   chan struct{} // closed when the server has ended
}

func (s *session) serve() (*loopback, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("serving modules to the go command: %w", err)
	}
	l := &loopback{
		url:    "http://" + listener.Addr().String(),
		server: &http.Server{Handler: fetch.NewHandler(s.Client, nil), ReadHeaderTimeout: 10 * time.Second},
		done:   make(chan struct{}),
	}
	go func() {
		defer close(l.done)
		l.server.Serve(listener) // until close
	}()
	return l, nil
}

func (l *loopback) close() {
	l.server.Close()
	<-l.done
}
