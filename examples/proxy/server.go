package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/fetch/guard"
)

// shutdownLimit is how long requests under way may take to finish at the end.
const shutdownLimit = 30 * time.Second

// newServer returns a server with limits fit for strangers; cert is nil for
// plain http.
func newServer(f fetch.Fetcher, cert *keyPair, log *slog.Logger) *http.Server {
	server := guard.Server(routes(f), nil)
	server.ErrorLog = slog.NewLogLogger(log.Handler(), slog.LevelWarn)
	if cert != nil {
		server.TLSConfig = &tls.Config{GetCertificate: cert.GetCertificate}
	}
	return server
}

// routes puts the health check beside the protocol, which has no such path. It
// is not a ServeMux, which would answer a path with ".." or "//" by a redirect.
func routes(f fetch.Fetcher) http.Handler {
	modules := fetch.NewHandler(f, nil)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/healthz" {
			healthz(w)
			return
		}
		modules.ServeHTTP(w, r)
	})
}

func healthz(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	io.WriteString(w, "ok\n")
}

// serve serves until ctx ends. Then it takes no more connections and lets the
// requests under way finish, for up to limit. It is an error if it had to cut
// some off.
func serve(ctx context.Context, server *http.Server, listener net.Listener, limit time.Duration, stderr io.Writer) error {
	ended := make(chan error, 1)
	go func() {
		if server.TLSConfig != nil {
			ended <- server.ServeTLS(listener, "", "")
			return
		}
		ended <- server.Serve(listener)
	}()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	fmt.Fprintf(stderr, "breakwater: finishing what is under way, for up to %v; a second signal ends it at once\n", limit)
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
