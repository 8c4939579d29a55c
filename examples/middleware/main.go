// Command middleware shows an upstream.Middleware of one's own, a quota: from each
// source come so many MiB a day, as a metered line allows. When they are used up,
// a "|" in GOPROXY goes on to the next source, and what is cached is served on:
//
//	GOPROXY='https://metered.example|https://proxy.example' go run ./examples/middleware [-daily 500]
//	GOPROXY=http://localhost:8080 go mod download
//
// What has come from each source today is at http://localhost:8080/quota.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"

	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/fetch/guard"
	"github.com/breakwater-go/breakwater/upstream"
)

func main() {
	address := flag.String("listen", "localhost:8080", "where to serve, as `HOST:PORT`")
	daily := flag.Int64("daily", 500, "how many `MiB` may come from each source in a day (UTC)")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal kills
	if err := run(ctx, *address, min(*daily, math.MaxInt64>>20)<<20, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run serves until ctx ends and the requests under way are finished.
func run(ctx context.Context, address string, daily int64, stderr io.Writer) error {
	if daily <= 0 {
		return errors.New("-daily: at least 1 MiB")
	}
	var used quotas
	client, err := fetch.New(&fetch.Options{Middleware: used.around(daily)}) // otherwise the user's go settings
	if err != nil {
		return err
	}
	defer client.Close() // after the last request
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	fmt.Fprintf(stderr, "serving http://%v\n", listener.Addr())
	return guard.Serve(ctx, guard.Server(routes(client, used), nil), listener, 0)
}

// routes serves modules, and what is used of the quotas.
func routes(f fetch.Fetcher, used quotas) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", fetch.NewHandler(f, nil))
	mux.HandleFunc("GET /quota", func(w http.ResponseWriter, _ *http.Request) {
		for _, q := range used {
			fmt.Fprintf(w, "%s: %d of %d bytes\n", upstream.Name(q), q.count(0), q.daily)
		}
	})
	return mux
}
