package guard_test

import (
	"context"
	"fmt"
	"net"
	"net/http"

	"github.com/breakwater-go/breakwater/fetch/guard"
)

// Whatever ends ctx, a signal as a rule, ends the server: requests that are under
// way then are finished first.
func ExampleServe() {
	ctx, end := context.WithCancel(context.Background()) // for you: signal.NotifyContext
	defer end()
	modules := http.NotFoundHandler() // for you: fetch.NewHandler(client, nil)

	listener, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	end()
	fmt.Println(guard.Serve(ctx, guard.Server(modules, nil), listener, 0))
	// Output: <nil>
}
