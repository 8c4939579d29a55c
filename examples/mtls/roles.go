package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"

	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/fetch/audit"
	"github.com/breakwater-go/breakwater/fetch/guard"
	"github.com/breakwater-go/breakwater/upstream"
)

type proxy struct {
	client *fetch.Client
	server *http.Server
}

// central asks the sources of the user's GOPROXY, and serves clients that show a
// certificate of the authority. TLS refuses all others; the handler asks once
// more, so that a change of the TLS settings alone opens nothing.
func central(_ context.Context, cfg config, cert tls.Certificate, ca *x509.CertPool) (proxy, error) {
	client, err := fetch.New(&fetch.Options{CacheDir: cfg.cache})
	if err != nil {
		return proxy{}, err
	}
	machines := guard.Certificate(func(leaf *x509.Certificate) string { return leaf.Subject.CommonName })
	modules := fetch.NewHandler(client, &fetch.HandlerOptions{
		Authorize: machines.Check,
		Caller:    machines.Caller,
		Audit:     audit.Log(slog.Default()),
	})
	// Each machine may make so many requests, wherever it is.
	server := guard.Server(guard.Rate(modules, &guard.RateOptions{Caller: machines.Caller}), nil)
	server.TLSConfig = &tls.Config{
		Certificates: []tls.Certificate{cert},
		ClientAuth:   tls.RequireAndVerifyClientCert,
		ClientCAs:    ca,
	}
	return proxy{client, server}, nil
}

// local asks the central proxy, showing this machine's certificate, and serves
// this machine alone. The certificate goes to no host that a redirect leads to.
func local(_ context.Context, cfg config, cert tls.Certificate, ca *x509.CertPool) (proxy, error) {
	if !strings.HasPrefix(cfg.from, "https://") {
		return proxy{}, errors.New("-from: without https no certificate is shown, and none is checked")
	}
	source, err := upstream.NewHTTP(cfg.from, &upstream.HTTPOptions{
		TLS: &tls.Config{Certificates: []tls.Certificate{cert}, RootCAs: ca},
	})
	if err != nil {
		return proxy{}, fmt.Errorf("-from: %w", err)
	}
	client, err := fetch.New(&fetch.Options{Upstream: source, CacheDir: cfg.cache})
	if err != nil {
		return proxy{}, err
	}
	modules := fetch.NewHandler(client, &fetch.HandlerOptions{
		Authorize: guard.Networks(netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")),
	})
	// By these names alone, for a page in a browser on this machine can connect, too.
	hosts := []string{"localhost", "127.0.0.1", "::1"}
	return proxy{client, guard.Server(modules, &guard.ServerOptions{Hosts: hosts})}, nil
}
