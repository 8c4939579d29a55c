package upstream_test

import (
	"context"
	"fmt"
	"testing/fstest"

	"github.com/breakwater-go/breakwater/upstream"
)

// A step tells when a request passes it, and when its answer comes back.
type step struct {
	next upstream.Upstream
	name string
}

// Unwrap lets others find what is behind, such as its name.
func (s *step) Unwrap() upstream.Upstream { return s.next }

func (s *step) Fetch(ctx context.Context, req upstream.Request) (*upstream.Response, error) {
	fmt.Println(s.name, "asks for", req)
	resp, err := s.next.Fetch(ctx, req)
	fmt.Println(s.name, "has it:", err == nil)
	return resp, err
}

// tell is middleware: a function that returns a function from Upstream to Upstream.
func tell(name string) upstream.Middleware {
	return func(next upstream.Upstream) upstream.Upstream { return &step{next, name} }
}

// The first one named is the outermost.
func ExampleChain() {
	source := upstream.Chain(
		upstream.FS("files", fstest.MapFS{"golang.org/x/mod/@latest": {Data: []byte(`{"Version":"v0.32.0"}`)}}),
		tell("outer"),
		tell("inner"),
	)
	latest, err := upstream.ReadLatest(context.Background(), source, "golang.org/x/mod")
	fmt.Println(latest.Version, err)
	fmt.Println(upstream.Name(source))
	// Output:
	// outer asks for golang.org/x/mod/@latest
	// inner asks for golang.org/x/mod/@latest
	// inner has it: true
	// outer has it: true
	// v0.32.0 <nil>
	// files
}
