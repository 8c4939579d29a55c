// Command embed shows a web service that has pages of its own and is a module
// proxy besides, below the prefix /goproxy/:
//
//	go run ./examples/embed [-listen localhost:8080]
//	GOPROXY=http://localhost:8080/goproxy go mod download
package main

import (
	"context"
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
)

func main() {
	address := flag.String("listen", "localhost:8080", "where to serve, as `HOST:PORT`")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal kills
	if err := run(ctx, *address, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run serves until ctx ends and the requests under way are finished.
func run(ctx context.Context, address string, stderr io.Writer) error {
	client, err := fetch.New(nil) // the user's go settings, the default cache
	if err != nil {
		return err
	}
	defer client.Close() // after the last request
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	// No WriteTimeout: a zip may take minutes on a slow line.
	server := &http.Server{Handler: routes(client), ReadHeaderTimeout: 10 * time.Second}
	fmt.Fprintf(stderr, "serving http://%v, modules with GOPROXY=http://%[1]v/goproxy\n", listener.Addr())
	return guard.Serve(ctx, server, listener, 0)
}

// routes is the service's own mux with one line more.
//
// A ServeMux cleans paths: it redirects one with ".." or "//" before the handler
// sees it. The go command never asks for such a path, so nothing is lost.
func routes(f fetch.Fetcher) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", page)
	mux.HandleFunc("GET /api/time", now)
	mux.Handle("/goproxy/", http.StripPrefix("/goproxy", fetch.NewHandler(f, nil)))
	return mux
}

func page(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	io.WriteString(w, "<!doctype html><title>Our service</title><h1>Our service</h1>\n")
}

func now(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, "{\"time\":%q}\n", time.Now().UTC().Format(time.RFC3339))
}
