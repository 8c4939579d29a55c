// Command proxy is a module proxy for one machine or one office: it serves the
// go command from a cache and asks the sources of the user's own GOPROXY.
//
//	go run ./examples/proxy [-listen localhost:8080] [-cache DIR] [-memory 64MiB] [-offline] [-stream] [-prefetch]
//		[-hosts NAME,...] [-tls-cert F -tls-key F] [-admin localhost:8081] [-admin-hosts NAME,...]
//		[-access-log off|text|json] [-audit F] [-log-format text|json] [-log-level info]
//
// When it is ready it prints its address and the line that points the go
// command to it. SIGTERM and SIGINT end it when the requests under way are
// finished; a second one ends it at once.
//
// /healthz answers "ok" as long as the program answers at all, and /readyz says
// whether it can serve what it has, as JSON and as status 200 or 503. Both are for
// everybody. /metrics (for Prometheus) and /status (a page, or JSON) name private
// modules and sources, and are for those who run the proxy. They are served
//
//   - at the address of -admin, where there is one, and nowhere else;
//   - else beside the modules if -listen is a loopback address and there are no
//     -hosts, to who asks for that address by its own name and not through a reverse
//     proxy, as far as that can be seen: behind one that adds no header, use -admin;
//   - else not at all.
//
// The address of -admin asks nobody who he is: what is not a loopback address
// belongs behind a firewall. Without TLS it answers who asks for localhost, for any
// address, or for a name in -hosts or -admin-hosts, and not who asks for another:
// that may be a page whose name was made to lead here (DNS rebinding).
//
// The access log goes to standard output, one line for each request of the
// protocol, and everything else to standard error. Requests do not wait for who reads
// standard output: what he does not take in time is left out, and the log says how much
// that was. The audit log is appended to its file, which is a regular one;
// package fetch/audit reads it. A tool that copies the file and truncates it
// (copytruncate of logrotate) may rotate it at any time; one that renames it has to
// restart the program.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	// Who reads the log may stop to, as "| head -1" does, which would end the program.
	// It is not ignored, for the go commands and gits that are run would inherit that.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// After the first signal the next one has its usual effect: it kills.
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}
