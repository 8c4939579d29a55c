package main

import (
	"context"
	"crypto/tls"
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

// serveBeside serves until stop is called, and logs if that ends before.
func serveBeside(server *http.Server, listener net.Listener, log *slog.Logger) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() {
		if err := guard.Serve(ctx, server, listener, -1); ctx.Err() == nil {
			log.Error("the operators' address is not served any more", "error", err)
		}
	})
	return func() {
		cancel()
		done.Wait()
	}
}

// serve serves until ctx ends, and says then what it waits for, for up to limit.
func serve(ctx context.Context, server *http.Server, listener net.Listener, limit time.Duration, v voice) error {
	said := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(said)
		v.say("finishing what is under way, for up to %v; a second signal ends it at once", limit)
	})
	err := guard.Serve(ctx, server, listener, limit)
	if !stop() { // else it ended by itself, and there is nothing to wait for
		<-said
	}
	return err
}
