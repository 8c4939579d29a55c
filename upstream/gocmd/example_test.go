package gocmd_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/upstream/gocmd"
)

// The modules of a company come from its own git server, on its own network, and all
// others from a module proxy.
func Example() {
	var direct upstream.Upstream
	source, err := gocmd.New(&gocmd.Options{
		VCS:     "git.corp.example:git,*:off", // nothing else directly
		Private: "git.corp.example",           // what is fetched with credentials
		Hosts:   []string{"git.corp.example"}, // its address is a private one
	})
	switch {
	case errors.Is(err, gocmd.ErrNoCommand): // without go or git nothing is found directly
		direct = upstream.Direct()
	case err != nil:
		fmt.Println(err)
		return
	default:
		defer source.Close()
		direct = source
	}

	public, err := upstream.NewGOPROXY("https://proxy.example", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	all := upstream.Routes(public, upstream.Route{Patterns: "git.corp.example", Upstream: direct})

	for _, path := range []string{"golang.org/x/mod", "git.corp.example/team/lib.git"} {
		req, err := upstream.NewRequest(upstream.List, path, "")
		if err != nil {
			fmt.Println(err)
			return
		}
		for _, s := range upstream.SourcesFor(all, req) {
			fmt.Println(path, "is asked of", upstream.Name(s))
		}
	}
	// Output:
	// golang.org/x/mod is asked of https://proxy.example
	// git.corp.example/team/lib.git is asked of direct
}

// That a command is missing is told from an option that is wrong.
func ExampleNew() {
	source, err := gocmd.New(&gocmd.Options{Go: "go-that-is-not-installed", Timeout: time.Minute})
	switch {
	case errors.Is(err, gocmd.ErrNoCommand):
		fmt.Println("install Go and git, or leave direct out of GOPROXY")
		return
	case err != nil:
		fmt.Println(err)
		return
	}
	defer source.Close()
	// Output: install Go and git, or leave direct out of GOPROXY
}
