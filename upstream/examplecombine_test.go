package upstream_test

import (
	"context"
	"fmt"
	"testing/fstest"

	"github.com/breakwater-go/breakwater/upstream"
)

// The company's proxy is asked first. Only what it says that it does not have is
// asked of the others: while it is down, no name leaves the house.
func ExampleFallback() {
	company := upstream.WithName("company", upstream.Func(func(_ context.Context, req upstream.Request) (*upstream.Response, error) {
		return nil, &upstream.Error{Request: req, Source: "company", Status: 502}
	}))
	public := upstream.FS("public", fstest.MapFS{
		"golang.org/x/mod/@latest": {Data: []byte(`{"Version":"v0.32.0"}`)},
	})

	strict := upstream.Fallback(upstream.Step{Upstream: company}, upstream.Step{Upstream: public})
	_, err := upstream.ReadLatest(context.Background(), strict, "golang.org/x/mod")
	fmt.Println(err)

	lenient := upstream.Fallback(upstream.Step{Upstream: company, OnAnyError: true}, upstream.Step{Upstream: public})
	latest, err := upstream.ReadLatest(context.Background(), lenient, "golang.org/x/mod")
	fmt.Println(latest.Version, err)
	// Output:
	// golang.org/x/mod (latest): company: unavailable (status 502)
	// v0.32.0 <nil>
}

// A GOPROXY list with a source of one's own in the place of "direct", such as one
// from package gocmd.
func ExampleEntry_Open() {
	direct := upstream.FS("from git", fstest.MapFS{})

	entries, err := upstream.ParseGOPROXY("https://proxy.example|https://mirror.example,direct")
	if err != nil {
		fmt.Println(err)
		return
	}
	var steps []upstream.Step
	for _, e := range entries {
		source := direct
		if e.URL != "direct" {
			if source, err = e.Open(nil); err != nil {
				fmt.Println(err)
				return
			}
		}
		steps = append(steps, upstream.Step{Upstream: source, OnAnyError: e.OnAnyError})
	}
	for _, source := range upstream.Sources(upstream.Fallback(steps...)) {
		fmt.Println(upstream.Name(source))
	}
	// Output:
	// https://proxy.example
	// https://mirror.example
	// from git
}

// What is measured of a source is there to be seen, and what hedges and balance go by.
func ExampleMeter() {
	source := upstream.Meter()(upstream.FS("files", fstest.MapFS{
		"golang.org/x/mod/@latest": {Data: []byte(`{"Version":"v0.32.0"}`)},
	}))
	for _, path := range []string{"golang.org/x/mod", "golang.org/x/mod", "golang.org/x/absent"} {
		_, err := upstream.ReadLatest(context.Background(), source, path)
		fmt.Println(path, err == nil)
	}
	figures, _ := upstream.FiguresOf(source, upstream.SmallFiles)
	fmt.Println(figures.Answers, "answers,", figures.NotFound, "not found,", figures.Failures, "failures")
	// Output:
	// golang.org/x/mod true
	// golang.org/x/mod true
	// golang.org/x/absent false
	// 2 answers, 1 not found, 0 failures
}
