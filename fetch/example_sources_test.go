package fetch_test

import (
	"context"
	"fmt"
	"log"
	"testing/fstest"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
)

// A second mirror comes in while the Client works. What was fetched before stays in
// the store.
func ExampleClient_Reconfigure() {
	near := upstream.FS("near", fstest.MapFS{})
	far := upstream.FS("far", fstest.MapFS{"golang.org/x/mod/@latest": {Data: []byte(`{"Version":"v0.32.0"}`)}})
	options := func(sources ...upstream.Upstream) *fetch.Options {
		return &fetch.Options{Upstream: upstream.Mirrors(sources...), Go: &fetch.GoSettings{GOSUMDB: "off"}, Store: cache.NewMemory(nil)}
	}
	c, err := fetch.New(options(near))
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	fmt.Println(c.Sources())

	if err := c.Reconfigure(options(near, far)); err != nil {
		log.Fatal(err)
	}
	fmt.Println(c.Sources())
	latest, err := upstream.ReadLatest(context.Background(), c, "golang.org/x/mod")
	fmt.Println(latest.Version, err)
	// Output:
	// [near]
	// [near far]
	// v0.32.0 <nil>
}

// The mirror that has what is asked for is the better one.
func ExampleClient_Ranking() {
	empty := upstream.FS("empty", fstest.MapFS{})
	full := upstream.FS("full", fstest.MapFS{"golang.org/x/mod/@v/list": {Data: []byte("v0.32.0\n")}})
	c, err := fetch.New(&fetch.Options{
		Upstream: upstream.Mirrors(empty, full), Go: &fetch.GoSettings{GOSUMDB: "off"}, Store: cache.NewMemory(nil),
	})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	if _, err := upstream.ReadList(context.Background(), c, "golang.org/x/mod"); err != nil {
		log.Fatal(err)
	}
	for _, s := range c.Ranking() {
		figures := s.Figures[upstream.SmallFiles]
		fmt.Println(s.Source, figures.Answers, "answers, coverage", figures.Coverage())
	}
	// Output:
	// full 1 answers, coverage 1
	// empty 0 answers, coverage 0
}
