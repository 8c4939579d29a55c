// Command mtls is a module proxy for two places that trust each other by
// certificates. The central one serves only clients that show a certificate of
// the authority in -ca:
//
//	go run ./examples/mtls -listen :8443 -cert central.pem -key central-key.pem -ca ca.pem
//
// The go command has no certificate to show. It asks a local one, over http on
// the loopback interface, which asks the central one and shows its own:
//
//	go run ./examples/mtls -listen localhost:8080 -cert laptop.pem -key laptop-key.pem -ca ca.pem \
//		-from https://central.example:8443
//	GOPROXY=http://localhost:8080 go mod download
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"syscall"

	"github.com/breakwater-go/breakwater/fetch/guard"
)

// config is what the command line says.
type config struct {
	listen, cert, key, ca, from string
	cache                       string
}

func main() {
	var cfg config
	flag.StringVar(&cfg.listen, "listen", "localhost:8443", "where to serve, as `HOST:PORT`")
	flag.StringVar(&cfg.cert, "cert", "", "this proxy's certificate, a PEM `FILE`")
	flag.StringVar(&cfg.key, "key", "", "the certificate's key, a PEM `FILE`")
	flag.StringVar(&cfg.ca, "ca", "", "the authority whose certificates are trusted, a PEM `FILE`")
	flag.StringVar(&cfg.from, "from", "", "the central proxy's `URL`; without it, this is the central one")
	flag.StringVar(&cfg.cache, "cache", "", "where to keep what was fetched (default: breakwater in the user's cache directory)")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal kills
	if err := run(ctx, cfg, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run serves until ctx ends and the requests under way are finished.
func run(ctx context.Context, cfg config, stderr io.Writer) error {
	cert, ca, err := loadTrust(cfg)
	if err != nil {
		return err
	}
	open := central
	if cfg.from != "" {
		open = local
	}
	p, err := open(ctx, cfg, cert, ca)
	if err != nil {
		return err
	}
	defer p.client.Close() // after the last request
	listener, err := net.Listen("tcp", cfg.listen)
	if err != nil {
		return err
	}
	fmt.Fprintf(stderr, "serving %v\n", listener.Addr())
	return guard.Serve(ctx, p.server, listener, 0)
}

// loadTrust reads who we are and whom we believe.
func loadTrust(cfg config) (tls.Certificate, *x509.CertPool, error) {
	cert, err := tls.LoadX509KeyPair(cfg.cert, cfg.key)
	if err != nil {
		return tls.Certificate{}, nil, fmt.Errorf("-cert and -key: %w", err)
	}
	pem, err := os.ReadFile(cfg.ca)
	if err != nil {
		return tls.Certificate{}, nil, fmt.Errorf("-ca: %w", err)
	}
	ca := x509.NewCertPool()
	if !ca.AppendCertsFromPEM(pem) {
		return tls.Certificate{}, nil, fmt.Errorf("-ca: no certificate in %s", cfg.ca)
	}
	return cert, ca, nil
}
