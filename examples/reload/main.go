// Command reload is a module proxy whose sources can be changed while it runs.
// They are in a file:
//
//	{
//		"sources": "https://near.example|https://proxy.example",
//		"private": [{"patterns": "corp.example", "source": "https://modules.corp.example"}]
//	}
//
//	go run ./examples/reload -config sources.json
//	GOPROXY=http://localhost:8080 go mod download
//
// When the file has changed, requests that come from then on are answered by what it
// says now. If it is of no use, the old sources stay. What it does not say is as in
// the go settings that were in force at the start: modules that GOPRIVATE names come
// from version control, if the file has no source for them.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/fetch/guard"
)

func main() {
	address := flag.String("listen", "localhost:8080", "where to serve, as `HOST:PORT`")
	file := flag.String("config", "sources.json", "the `FILE` that says where modules come from")
	every := flag.Duration("every", 2*time.Second, "how often to look whether the file has changed")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal kills
	if err := run(ctx, *address, *file, *every, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run serves until ctx ends and the requests under way are finished.
func run(ctx context.Context, address, file string, every time.Duration, stderr io.Writer) error {
	if every <= 0 {
		return errors.New("-every: more than 0, as in 2s")
	}
	settings, err := fetch.ReadGoSettings(ctx)
	if err != nil {
		return err
	}
	w := watcher{file: file, settings: settings, log: log.New(stderr, "", 0)}
	opts, err := w.read()
	if err != nil {
		return fmt.Errorf("-config %s: %w", file, err)
	}
	client, err := fetch.New(opts)
	if err != nil {
		return fmt.Errorf("-config %s: %w", file, err)
	}
	defer client.Close() // after the last request
	ctx, cancel := context.WithCancel(ctx)
	var watching sync.WaitGroup
	defer watching.Wait()
	defer cancel()
	watching.Go(func() { w.watch(ctx, client, every) })
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	fmt.Fprintf(stderr, "serving http://%v\n", listener.Addr())
	return guard.Serve(ctx, guard.Server(fetch.NewHandler(client, nil), nil), listener, 0)
}
