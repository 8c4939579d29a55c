package main

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
)

// A service is a server on the loopback interface that counts what it is asked for and
// misbehaves on demand: a source, or the checksum database. Its methods may be called by
// many goroutines at once, but for up and down.
type service struct {
	address string // HOST:PORT, also while it is down
	well    http.Handler
	server  *http.Server // nil while it is down
	serving sync.WaitGroup

	mu    sync.Mutex
	now   http.Handler
	asked []string
}

// A fault makes of a handler that is well one that is not.
type fault func(well http.Handler) http.Handler

// newService serves h on a free port until close.
func newService(h http.Handler) (*service, error) {
	s := &service{address: "127.0.0.1:0", well: h, now: h}
	return s, s.up()
}

func (s *service) url() string { return "http://" + s.address }

// up makes the service listen, at the address that it had before. A port that was taken
// meanwhile is an error.
func (s *service) up() error {
	if s.server != nil {
		return nil
	}
	l, err := net.Listen("tcp", s.address)
	if err != nil {
		return fmt.Errorf("a source cannot listen: %w", err)
	}
	s.address, s.server = l.Addr().String(), &http.Server{Handler: s}
	s.serving.Go(func() { s.server.Serve(l) }) // ends with ErrServerClosed, and only so
	return nil
}

// down makes the service refuse connections and cuts those that there are.
func (s *service) down() {
	if s == nil || s.server == nil {
		return
	}
	s.server.Close() // what it says of connections that had broken is of no use
	s.serving.Wait()
	s.server = nil
}

// set gives the service a fault; nil makes it well.
func (s *service) set(f fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = s.well
	if f != nil {
		s.now = f(s.well)
	}
}

// forget begins to count anew.
func (s *service) forget() {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = nil
}

// count is how many requests there were for paths that end so.
func (s *service) count(suffix string) int {
	if s == nil {
		return 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, path := range s.asked {
		if strings.HasSuffix(path, suffix) {
			n++
		}
	}
	return n
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.asked = append(s.asked, r.URL.Path)
	h := s.now
	s.mu.Unlock()
	h.ServeHTTP(w, r)
}
