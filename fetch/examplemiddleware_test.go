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

// A label writes down who was asked for what.
type label struct {
	upstream.Upstream
	asked *[]string
}

func (l label) Unwrap() upstream.Upstream { return l.Upstream }

func (l label) Fetch(ctx context.Context, req upstream.Request) (*upstream.Response, error) {
	*l.asked = append(*l.asked, upstream.Name(l)+req.URLPath())
	return l.Upstream.Fetch(ctx, req)
}

// Middleware of the program's own is around each source, and sees what that is
// asked for; here the second answer is from the store.
func ExampleOptions_middleware() {
	files := upstream.FS("files", fstest.MapFS{"example.com/hello/@v/list": {Data: []byte("v1.0.0\n")}})
	var asked []string
	c, err := fetch.New(&fetch.Options{
		Upstream:   files, // by default those of the user's GOPROXY
		Middleware: func(source upstream.Upstream) upstream.Upstream { return label{source, &asked} },
		Store:      cache.NewMemory(nil),
		Go:         &fetch.GoSettings{GOSUMDB: "off"},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	for range 2 {
		if _, err := upstream.ReadList(context.Background(), c, "example.com/hello"); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println(asked)
	// Output: [files/example.com/hello/@v/list]
}
