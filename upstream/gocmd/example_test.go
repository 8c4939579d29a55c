package gocmd_test

import (
	"context"
	"fmt"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/upstream/gocmd"
)

// The modules of a company come from its own git server, on its own network,
// and all others from a module proxy.
func ExampleNew() {
	direct, err := gocmd.New(&gocmd.Options{
		VCS:     "git.corp.example:git,*:off", // nothing else directly
		Private: "git.corp.example",           // what is fetched with credentials
		Hosts:   []string{"git.corp.example"}, // its address is a private one
		RootCAs: "/etc/ssl/corp.pem",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer direct.Close()

	public, err := upstream.NewGOPROXY("https://proxy.example", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	all := upstream.Routes(public, upstream.Route{Patterns: "git.corp.example", Upstream: direct})
	list, err := upstream.ReadList(context.Background(), all, "git.corp.example/team/lib.git")
	fmt.Println(list, err)
}
