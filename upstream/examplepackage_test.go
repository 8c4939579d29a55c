package upstream_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"testing/fstest"

	"github.com/breakwater-go/breakwater/upstream"
)

// A module proxy, a mirror of it that is behind, and the company's own modules,
// which nobody else is asked for.
func Example() {
	mirror := upstream.FS("mirror", fstest.MapFS{})
	proxy := upstream.FS("proxy", fstest.MapFS{
		"golang.org/x/mod/@v/list": {Data: []byte("v0.31.0\nv0.32.0\n")},
	})
	company := upstream.FS("company", fstest.MapFS{
		"corp.example/lib/@latest": {Data: []byte(`{"Version":"v1.2.0"}`)},
	})
	sources := upstream.Routes(
		upstream.Mirrors(mirror, proxy),
		upstream.Route{Patterns: "corp.example", Upstream: company},
	)

	ctx := context.Background()
	versions, err := upstream.ReadList(ctx, sources, "golang.org/x/mod")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(versions), "versions, the first is", versions[0].Version)

	latest, err := upstream.ReadLatest(ctx, sources, "corp.example/lib")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(latest.Version)

	_, err = upstream.ReadLatest(ctx, sources, "corp.example/typo")
	fmt.Println(upstream.ClassOf(err))
	fmt.Println(errors.Is(err, fs.ErrNotExist))
	// Output:
	// 2 versions, the first is v0.31.0
	// v1.2.0
	// not found
	// true
}
