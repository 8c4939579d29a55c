package upstream_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"testing/fstest"

	"github.com/breakwater-go/breakwater/upstream"
)

func ExampleParsePath() {
	req, err := upstream.ParsePath("/github.com/!burnt!sushi/toml/@v/v1.5.0.mod")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(req.Kind(), req.Module(), req.Version())
	fmt.Println(req.Key())

	_, err = upstream.ParsePath("/github.com/BurntSushi/../toml/@v/list")
	fmt.Println(errors.Is(err, fs.ErrNotExist))
	// Output:
	// mod github.com/BurntSushi/toml v1.5.0
	// github.com/!burnt!sushi/toml/@v/v1.5.0.mod
	// true
}

func ExampleParseGOPROXY() {
	entries, err := upstream.ParseGOPROXY("https://proxy.example|mirror.example,direct")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, e := range entries {
		fmt.Println(e.URL, e.OnAnyError)
	}
	// Output:
	// https://proxy.example true
	// https://mirror.example false
	// direct false
}

// A program that has a module tree on disk and a proxy to fall back on.
func ExampleNewGOPROXY() {
	u, err := upstream.NewGOPROXY("file:///srv/modules,https://ci:secret@proxy.example,off", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, source := range upstream.Sources(u) {
		fmt.Println(upstream.Name(source))
	}
	// Output:
	// file:///srv/modules
	// https://xxxxx@proxy.example
	// off
}

// One mirror's disk is not mounted, which is not the caller's problem.
func ExampleMirrors() {
	near := upstream.FS("near", os.DirFS("/not/mounted"))
	far := upstream.FS("far", fstest.MapFS{
		"example.com/hello/@v/list": {Data: []byte("v1.0.0\nv1.1.0\n")},
	})
	mirrors := upstream.Mirrors(near, far)

	versions, err := upstream.ReadList(context.Background(), mirrors, "example.com/hello")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, v := range versions {
		fmt.Println(v.Version)
	}

	// The mirror that works says "not found". The other might have known
	// better, so that answer is not to be remembered.
	_, err = upstream.ReadList(context.Background(), mirrors, "example.com/absent")
	if e, ok := errors.AsType[*upstream.Error](err); ok {
		fmt.Println(e.Class, e.Conclusive())
	}
	// Output:
	// v1.0.0
	// v1.1.0
	// not found false
}

// A private module is asked for in one place, whatever is down.
func ExampleRoutes() {
	public := upstream.FS("public", fstest.MapFS{
		"example.com/hello/@latest": {Data: []byte(`{"Version":"v1.1.0"}`)},
	})
	private := upstream.FS("private", os.DirFS("/not/mounted"))
	u := upstream.Routes(public, upstream.Route{Patterns: "*.corp.example,corp.example", Upstream: private})

	latest, err := upstream.ReadLatest(context.Background(), u, "example.com/hello")
	fmt.Println(latest.Version, err)

	_, err = upstream.ReadLatest(context.Background(), u, "git.corp.example/secret")
	if e, ok := errors.AsType[*upstream.Error](err); ok {
		fmt.Println(e.Source, e.Class)
	}
	// Output:
	// v1.1.0 <nil>
	// private unavailable
}

// counter is middleware: an unexported type with a Fetch and an Unwrap method.
type counter struct {
	upstream.Upstream
	asked *int
}

func (c counter) Unwrap() upstream.Upstream { return c.Upstream }

func (c counter) Fetch(ctx context.Context, req upstream.Request) (*upstream.Response, error) {
	*c.asked++
	return c.Upstream.Fetch(ctx, req)
}

// Wrap puts middleware around every source of a combination.
func ExampleWrap() {
	asked := 0
	count := func(u upstream.Upstream) upstream.Upstream { return counter{u, &asked} }

	u := upstream.Wrap(upstream.Mirrors(
		upstream.FS("empty", fstest.MapFS{}),
		upstream.FS("full", fstest.MapFS{"example.com/hello/@v/list": {Data: []byte("v1.0.0\n")}}),
	), count)
	if _, err := upstream.ReadList(context.Background(), u, "example.com/hello"); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(asked, "sources were asked")
	// Output:
	// 2 sources were asked
}
