package fetch_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"testing/fstest"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
)

// A Client gets modules, for the program itself and, by a handler, for go commands:
// GOPROXY is then the address of the handler.
func Example() {
	client, err := fetch.New(&fetch.Options{ // for you: nil, or what differs from the defaults
		Upstream: upstream.FS("files", fstest.MapFS{
			"golang.org/x/mod/@v/list":         {Data: []byte("v0.31.0\nv0.32.0\n")},
			"golang.org/x/mod/@v/v0.32.0.info": {Data: []byte(`{"Version":"v0.32.0"}`)},
			"golang.org/x/mod/@v/v0.32.0.mod":  {Data: []byte("module golang.org/x/mod\n")},
		}),
		Store: cache.NewMemory(nil),
		Go:    &fetch.GoSettings{GOSUMDB: "off"}, // no database knows these files
	})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	version, err := fetch.Resolve(context.Background(), client, "golang.org/x/mod", "latest")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(version.Version)

	http.Handle("/goproxy/", http.StripPrefix("/goproxy", fetch.NewHandler(client, nil)))
	server := httptest.NewServer(nil) // for you: http.ListenAndServe, or the server that you have
	defer server.Close()
	resp, err := http.Get(server.URL + "/goproxy/golang.org/x/mod/@v/v0.32.0.mod")
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	goMod, err := io.ReadAll(resp.Body)
	fmt.Printf("%s%v\n", goMod, err)
	// Output:
	// v0.32.0
	// module golang.org/x/mod
	// <nil>
}
