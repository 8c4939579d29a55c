package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/breakwater-go/breakwater/fetch/guard"
)

// shutdownLimit is how long requests under way may take to finish at the end.
const shutdownLimit = 30 * time.Second

// newServer returns a server with limits fit for strangers, for who asks for one of
// hosts, or if there are none, for any; cert is nil for plain http.
func newServer(handler http.Handler, hosts []string, cert *keyPair, log *slog.Logger) *http.Server {
	server := guard.Server(handler, &guard.ServerOptions{Hosts: hosts})
	server.ErrorLog = slog.NewLogLogger(log.Handler(), slog.LevelWarn)
	if cert != nil {
		server.TLSConfig = &tls.Config{GetCertificate: cert.GetCertificate}
	}
	return server
}

// loopbackNames are always served: no name that somebody else has made lead here is
// one of them.
func loopbackNames() []string { return []string{"localhost", "127.0.0.1", "::1"} }

// servedHosts are the names by which the proxy is asked for; nil: any.
func (c config) servedHosts() []string {
	if len(c.hosts) == 0 {
		return nil
	}
	return append(loopbackNames(), c.hosts...)
}

// accept has the server take connections, until it is closed.
func accept(server *http.Server, listener net.Listener) error {
	if server.TLSConfig != nil {
		return server.ServeTLS(listener, "", "")
	}
	return server.Serve(listener)
}

// serveBeside serves until stop is called, and logs if that ends before.
func serveBeside(server *http.Server, listener net.Listener, log *slog.Logger) (stop func()) {
	var done sync.WaitGroup
	done.Go(func() {
		if err := accept(server, listener); !errors.Is(err, http.ErrServerClosed) {
			log.Error("the operators' address is not served any more", "error", err)
		}
	})
	return func() {
		server.Close()
		done.Wait()
	}
}

// serve serves until ctx ends. Then it takes no more connections and lets the
// requests under way finish, for up to limit. It is an error if it had to cut
// some off.
func serve(ctx context.Context, server *http.Server, listener net.Listener, limit time.Duration, v voice) error {
	ended := make(chan error, 1)
	go func() { ended <- accept(server, listener) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	v.say("finishing what is under way, for up to %v; a second signal ends it at once", limit)
	// The requests have contexts of their own: ctx's end is not theirs.
	draining, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	if server.Shutdown(draining) != nil {
		server.Close()
		return fmt.Errorf("requests that were still under way after %v have been cut off", limit)
	}
	<-ended
	return nil
}
