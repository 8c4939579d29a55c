// Command statuspage shows a service that is a module proxy below /goproxy/ and has
// the status page below /status, which only some networks may see:
//
//	go run ./examples/statuspage [-listen localhost:8080] [-hosts localhost,127.0.0.1,::1] [-show 127.0.0.0/8,::1/128]
//	GOPROXY=http://localhost:8080/goproxy go mod download
//
// Then look at http://localhost:8080/status, or have it as JSON:
//
//	curl -H 'Accept: application/json' http://localhost:8080/status
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/fetch/guard"
)

func main() {
	address := flag.String("listen", "localhost:8080", "where to serve, as `HOST:PORT`")
	hosts := flag.String("hosts", "localhost,127.0.0.1,::1", "`names` that clients reach the service by; a page of another name would be read by its owner (DNS rebinding)")
	show := flag.String("show", "127.0.0.0/8,::1/128", "`networks` that may see the status page")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal kills
	if err := run(ctx, *address, *hosts, *show, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run serves until ctx ends and the requests under way are finished.
func run(ctx context.Context, address, hosts, show string, stderr io.Writer) error {
	var networks []netip.Prefix
	for text := range strings.SplitSeq(show, ",") {
		network, err := netip.ParsePrefix(strings.TrimSpace(text))
		if err != nil {
			return err
		}
		networks = append(networks, network)
	}
	client, err := fetch.New(nil) // the user's go settings, the default cache
	if err != nil {
		return err
	}
	defer client.Close() // after the last request
	status := fetch.NewStatusHandler(client, &fetch.StatusOptions{Diagnose: true})
	defer status.Close()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	server := guard.Server(routes(client, status, guard.Networks(networks...)), &guard.ServerOptions{Hosts: strings.Split(hosts, ",")})
	fmt.Fprintf(stderr, "modules with GOPROXY=http://%v/goproxy, status at http://%[1]v/status\n", listener.Addr())
	return guard.Serve(ctx, server, listener, 0)
}
