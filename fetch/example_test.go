package fetch_test

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing/fstest"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
	"golang.org/x/mod/module"
)

// files is a source with one module.
func files() upstream.Upstream {
	var content bytes.Buffer
	w := zip.NewWriter(&content)
	for name, text := range map[string]string{"go.mod": "module example.com/hello\n", "hello.go": "package hello\n"} {
		file, err := w.Create("example.com/hello@v1.1.0/" + name)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Fprint(file, text)
	}
	if err := w.Close(); err != nil {
		log.Fatal(err)
	}
	return upstream.FS("files", fstest.MapFS{
		"example.com/hello/@v/list":        {Data: []byte("v1.0.0\nv1.1.0\n")},
		"example.com/hello/@v/v1.1.0.info": {Data: []byte(`{"Version":"v1.1.0"}`)},
		"example.com/hello/@v/v1.1.0.mod":  {Data: []byte("module example.com/hello\n")},
		"example.com/hello/@v/v1.1.0.zip":  {Data: content.Bytes()},
	})
}

// newExample returns a Client for files, which no checksum database knows.
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

// A Client with sources and a store of the program's own.
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
	req, err := upstream.NewRequest(upstream.Mod, "example.com/hello", "v1.1.0")
	if err != nil {
		log.Fatal(err)
	}
	for range 2 {
		resp, err := c.Fetch(context.Background(), req)
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

// The handler is mounted in a server that does other things, too.
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
	_, err = fetch.Resolve(context.Background(), c, "example.com/hello", ">v2.0.0")
	fmt.Println(upstream.ClassOf(err))
	// Output:
	// v1.1.0 <nil>
	// not found
}

// The files of a module, in a directory.
func ExampleExtract() {
	tmp, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(tmp)
	c := newExample()
	defer c.Close()

	dir := filepath.Join(tmp, "hello")
	m := module.Version{Path: "example.com/hello", Version: "v1.1.0"}
	if err := fetch.Extract(context.Background(), c, m, dir); err != nil {
		log.Fatal(err)
	}
	goMod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	fmt.Printf("%s%v\n", goMod, err)
	// Output:
	// module example.com/hello
	// <nil>
}

// The zip of a module, in a file.
func ExampleSaveZip() {
	tmp, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(tmp)
	c := newExample()
	defer c.Close()

	file := filepath.Join(tmp, "hello.zip")
	m := module.Version{Path: "example.com/hello", Version: "v1.1.0"}
	if err := fetch.SaveZip(context.Background(), c, m, file); err != nil {
		log.Fatal(err)
	}
	r, err := zip.OpenReader(file)
	if err != nil {
		log.Fatal(err)
	}
	defer r.Close()
	fmt.Println(len(r.File), "files")

	m.Version = "v1.0.0" // which the source lists, and does not have
	err = fetch.SaveZip(context.Background(), c, m, file)
	fmt.Println(upstream.ClassOf(err))
	// Output:
	// 2 files
	// not found
}
