// Command proxy is a module proxy for one machine or one office: it serves the
// go command from a cache and asks the sources of the user's own GOPROXY.
//
//	go run ./examples/proxy [-listen localhost:8080] [-cache DIR] [-memory 64MiB] [-offline] [-tls-cert F -tls-key F]
//
// When it is ready it prints its address and the line that points the go
// command to it. /healthz answers "ok". SIGTERM and SIGINT end it when the
// requests under way are finished; a second one ends it at once.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// After the first signal the next one has its usual effect: it kills.
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], os.Stderr))
}
