package fetch_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"testing/fstest"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
	"golang.org/x/mod/module"
)

// files is a source of one module for the examples.
func files() upstream.Upstream {
	return upstream.FS("files", fstest.MapFS{
		"example.com/hello/@v/list":        {Data: []byte("v1.0.0\nv1.1.0\n")},
		"example.com/hello/@v/v1.1.0.info": {Data: []byte(`{"Version":"v1.1.0"}`)},
		"example.com/hello/@v/v1.1.0.mod":  {Data: []byte("module example.com/hello\n")},
	})
}

func newExample() *fetch.Client {
	c, err := fetch.New(&fetch.Options{
		Upstream: files(),
		Store:    cache.NewMemory(nil),
		Go:       &fetch.GoSettings{GOSUMDB: "off"},
	})
	if err != nil {
		log.Fatal(err)
	}
	return c
}

func ExampleNew() {
	c, err := fetch.New(&fetch.Options{
		Upstream: files(),
		Store:    cache.NewMemory(nil),
		Go:       &fetch.GoSettings{GOSUMDB: "off"}, // no database knows these files
	})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	for range 2 {
		resp, err := upstreamMod(c)
		if err != nil {
			log.Fatal(err)
		}
		resp.Body.Close()
		fmt.Println("from", resp.Source)
	}
	// Output:
	// from files
	// from memory
}

func upstreamMod(f fetch.Fetcher) (*upstream.Response, error) {
	req, err := upstream.NewRequest(upstream.Mod, "example.com/hello", "v1.1.0")
	if err != nil {
		return nil, err
	}
	return f.Fetch(context.Background(), req)
}

func ExampleNewHandler() {
	c := newExample()
	defer c.Close()
	mux := http.NewServeMux()
	mux.Handle("/goproxy/", http.StripPrefix("/goproxy", fetch.NewHandler(c, nil)))

	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest("GET", "/goproxy/example.com/hello/@v/list", nil))
	fmt.Print(w.Code, " ", w.Header().Get("Cache-Control"), "\n", w.Body)
	// Output:
	// 200 max-age=60
	// v1.0.0
	// v1.1.0
}

func ExampleResolve() {
	c := newExample()
	defer c.Close()
	info, err := fetch.Resolve(context.Background(), c, "example.com/hello", "v1")
	fmt.Println(info.Version, err)
	// Output: v1.1.0 <nil>
}

func ExampleExtract() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	c := newExample() // whose source has no zip
	defer c.Close()
	err = fetch.Extract(context.Background(), c, module.Version{Path: "example.com/hello", Version: "v1.1.0"}, dir)
	fmt.Println(upstream.ClassOf(err))
	// Output: not found
}
