// Command objectstore shows an upstream.Upstream of one's own: private modules
// come from a bucket of an object store, all others from the user's GOPROXY. The
// bucket is laid out as GOMODCACHE/cache/download, below any prefix:
//
//	go run ./examples/objectstore -bucket https://s3.example/modules -private corp.example
//	GOPROXY=http://localhost:8080 GONOSUMDB=corp.example go mod download
//
// A GOPROXY entry would nearly do, but would take a bucket that is gone for modules
// that do not exist. Requests are not signed: where the bucket is not open to this
// machine, give the s3 an http.Client whose Transport signs, or put the store's own
// library behind the interface Bucket. A database is as good.
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

	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/fetch/guard"
	"github.com/breakwater-go/breakwater/upstream"
)

func main() {
	address := flag.String("listen", "localhost:8080", "where to serve, as `HOST:PORT`")
	bucket := flag.String("bucket", "", "the bucket's `URL`, with a prefix for all keys if there is one")
	private := flag.String("private", "", "what comes from the bucket and from nowhere else: `PATTERNS` as in GOPRIVATE")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal kills
	if err := run(ctx, *address, *bucket, *private, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run serves until ctx ends and the requests under way are finished.
func run(ctx context.Context, address, bucket, private string, stderr io.Writer) error {
	if err := upstream.CheckRestricted(private); err != nil {
		return fmt.Errorf("-private: %w", err)
	}
	objects, err := newS3(bucket)
	if err != nil {
		return fmt.Errorf("-bucket: %w", err)
	}
	client, err := fetch.New(&fetch.Options{ // otherwise the user's go settings
		Private: []upstream.Route{{Patterns: private, Upstream: shelf{"the bucket", objects}}},
	})
	if err != nil {
		return err
	}
	defer client.Close() // after the last request
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	fmt.Fprintf(stderr, "serving http://%v\n", listener.Addr())
	return guard.Serve(ctx, guard.Server(fetch.NewHandler(client, nil), nil), listener, 0)
}
