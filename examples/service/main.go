// Command service is a web service that has users of its own, to whom modules are
// one more thing that they may have. Its table of users is a file here, with the
// SHA-256 of each one's token, as printf %s TOKEN | sha256sum prints it:
//
//	{"ann": {"token": "2bb80d53...", "private": true}, "bob": {"token": "fcde2b2e..."}}
//
//	go run ./examples/service -private corp.example -from https://modules.corp.example
//	GOPROXY=https://localhost:8443/goproxy GONOSUMDB=corp.example go mod download
//
// The go command finds the token in the user's netrc file, and sends it over https
// alone (go run $(go env GOROOT)/src/crypto/tls/generate_cert.go -host localhost
// makes a certificate to try it with, which SSL_CERT_FILE has the go command trust):
//
//	machine localhost:8443 login ann password TOKEN
//
// No source of the user's GOPROXY learns of private modules, nor does a checksum
// database.
package main

import (
	"context"
	"crypto/tls"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/fetch/guard"
	"github.com/breakwater-go/breakwater/upstream"
)

// config is what the command line says.
type config struct{ listen, users, private, from, cert, key string }

func main() {
	var cfg config
	flag.StringVar(&cfg.listen, "listen", "localhost:8443", "where to serve, as `HOST:PORT`")
	flag.StringVar(&cfg.users, "users", "users.json", "the `FILE` with the table of users")
	flag.StringVar(&cfg.private, "private", "", "modules for users with that right alone: `PATTERNS` as in GOPRIVATE")
	flag.StringVar(&cfg.from, "from", "", "where these come from, and nothing else does: the `URL` of a module proxy")
	flag.StringVar(&cfg.cert, "tls-cert", "cert.pem", "certificate `FILE` (PEM)")
	flag.StringVar(&cfg.key, "tls-key", "key.pem", "the certificate's key `FILE` (PEM)")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal kills
	if err := run(ctx, cfg, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run serves until ctx ends and the requests under way are finished. The record of
// who had what goes to stdout.
func run(ctx context.Context, cfg config, stdout, stderr io.Writer) error {
	if err := upstream.CheckRestricted(cfg.private); err != nil {
		return fmt.Errorf("-private: %w", err)
	}
	users, err := readTable(cfg.users)
	if err != nil {
		return fmt.Errorf("-users: %w", err)
	}
	pair, err := tls.LoadX509KeyPair(cfg.cert, cfg.key)
	if err != nil {
		return fmt.Errorf("-tls-cert and -tls-key: %w", err)
	}
	private, err := upstream.NewHTTP(cfg.from, nil)
	if err != nil {
		return fmt.Errorf("-from: %w", err)
	}
	client, err := fetch.New(&fetch.Options{Private: []upstream.Route{{Patterns: cfg.private, Upstream: private}}})
	if err != nil {
		return err
	}
	defer client.Close() // after the last request
	listener, err := net.Listen("tcp", cfg.listen)
	if err != nil {
		return err
	}
	// Not guard.Server: that refuses bodies, which pages of the service may take.
	server := &http.Server{Handler: routes(client, users, cfg.private, stdout), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: time.Minute}
	server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{pair}}
	fmt.Fprintf(stderr, "serving https://%v, modules with GOPROXY=https://%[1]v/goproxy\n", listener.Addr())
	return guard.Serve(ctx, server, listener, 0)
}
