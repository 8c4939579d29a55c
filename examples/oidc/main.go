// Command oidc is a module proxy that lets people and build jobs have private
// modules by the ID tokens of an OpenID provider; all other modules are open:
//
//	go run ./examples/oidc -issuer https://login.example -audience modules \
//		-private corp.example -tls-cert cert.pem -tls-key key.pem
//
// The go command sends the token as the password in a netrc file (the user does
// not matter; the machine is named with its port, unless that is 443), or in a
// header that a GOAUTH command prints:
//
//	https://proxy.example
//
//	Authorization: Bearer <token>
//
// followed by an empty line.
package main

import (
	"context"
	"crypto/tls"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"syscall"

	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/fetch/guard"
	"github.com/breakwater-go/breakwater/upstream"
)

// config is what the command line says.
type config struct {
	listen, issuer, audience, private, cert, key string
}

func main() {
	var cfg config
	flag.StringVar(&cfg.listen, "listen", "localhost:8443", "where to serve, as `HOST:PORT`")
	flag.StringVar(&cfg.issuer, "issuer", "", "the OpenID provider's `URL`")
	flag.StringVar(&cfg.audience, "audience", "modules", "whom tokens must be meant for: the client `ID` of this proxy")
	flag.StringVar(&cfg.private, "private", "", "modules that need a token: `PATTERNS` as in GOPRIVATE, at least one")
	flag.StringVar(&cfg.cert, "tls-cert", "", "certificate `FILE` (PEM)")
	flag.StringVar(&cfg.key, "tls-key", "", "the certificate's key `FILE` (PEM)")
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
	if err := upstream.CheckRestricted(cfg.private); err != nil {
		return fmt.Errorf("-private: %w", err)
	}
	// Tokens are for https alone, and the go command sends them nowhere else.
	pair, err := tls.LoadX509KeyPair(cfg.cert, cfg.key)
	if err != nil {
		return fmt.Errorf("-tls-cert and -tls-key: %w", err)
	}
	who, err := newLogin(ctx, cfg.issuer, cfg.audience)
	if err != nil {
		return err
	}
	client, err := fetch.New(nil) // the user's go settings, the default cache
	if err != nil {
		return err
	}
	defer client.Close() // after the last request
	server := newServer(client, who, cfg.private)
	server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{pair}}
	listener, err := net.Listen("tcp", cfg.listen)
	if err != nil {
		return err
	}
	fmt.Fprintf(stderr, "serving https://%v\n", listener.Addr())
	return guard.Serve(ctx, server, listener, 0)
}
