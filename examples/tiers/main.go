// Command tiers is a module proxy that can have another one behind it: a regional
// tier asks the sources of the user's GOPROXY, and local tiers, in offices or on
// build machines, ask the regional one:
//
//	go run ./examples/tiers -listen localhost:8081
//	go run ./examples/tiers -listen localhost:8080 -from http://localhost:8081
//	GOPROXY=http://localhost:8080 go mod download
//
// Stop the regional one: the local one goes on with what it has, lists included.
// Tiers that lead back to each other say so, by the names in their Via headers.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/fetch/guard"
)

// config is what the command line says.
type config struct {
	name, listen, from, cache string
	ttl                       time.Duration
}

func main() {
	var cfg config
	flag.StringVar(&cfg.name, "name", "", "this tier's `NAME` in Via headers and of its cache, which no tier behind or before it may have (default: local, without -from regional)")
	flag.StringVar(&cfg.listen, "listen", "localhost:8080", "where to serve, as `HOST:PORT`")
	flag.StringVar(&cfg.from, "from", "", "the `URL` of the tier behind this one; without it, the user's GOPROXY is asked")
	flag.StringVar(&cfg.cache, "cache", "", "a `directory` for this tier alone (default: breakwater-NAME in the user's cache directory)")
	flag.DurationVar(&cfg.ttl, "ttl", 10*time.Second, "how long a list counts as fresh here; the TTLs of all tiers add up")
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
	cfg = named(cfg)
	opts, err := options(cfg)
	if err != nil {
		return err
	}
	client, err := fetch.New(opts)
	if err != nil {
		return err
	}
	defer client.Close() // after the last request
	listener, err := net.Listen("tcp", cfg.listen)
	if err != nil {
		return err
	}
	modules := fetch.NewHandler(client, &fetch.HandlerOptions{ID: cfg.name})
	server := guard.Server(modules, nil)
	fmt.Fprintf(stderr, "%s tier: serving http://%v\n", cfg.name, listener.Addr())
	return guard.Serve(ctx, server, listener, 0)
}
