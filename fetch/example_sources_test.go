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

// A mirror that is down is replaced while the Client works. What it has fetched
// stays.
func ExampleClient_Reconfigure() {
	options := func(sources ...upstream.Upstream) *fetch.Options {
		return &fetch.Options{Upstream: upstream.Mirrors(sources...), Go: &fetch.GoSettings{GOSUMDB: "off"}, Store: cache.NewMemory(nil)}
	}
	c, err := fetch.New(options(upstream.Off()))
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	fmt.Println(c.Sources())

	if err := c.Reconfigure(options(upstream.Off(), files())); err != nil {
		log.Fatal(err)
	}
	fmt.Println(c.Sources())
	info, err := upstream.ReadInfo(context.Background(), c, "example.com/hello", "v1.1.0")
	fmt.Println(info.Version, err)
	// Output:
	// [off]
	// [off files]
	// v1.1.0 <nil>
}

// The mirror that has what is asked for is the better one.
func ExampleClient_Ranking() {
	empty := upstream.FS("empty", fstest.MapFS{})
	c, err := fetch.New(&fetch.Options{
		Upstream: upstream.Mirrors(empty, files()), Go: &fetch.GoSettings{GOSUMDB: "off"}, Store: cache.NewMemory(nil),
	})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	if _, err := upstream.ReadList(context.Background(), c, "example.com/hello"); err != nil {
		log.Fatal(err)
	}
	for _, s := range c.Ranking() {
		figures := s.Figures[upstream.SmallFiles]
		fmt.Println(s.Source, figures.Answers, "answers, coverage", figures.Coverage())
	}
	// Output:
	// files 1 answers, coverage 1
	// empty 0 answers, coverage 0
}
