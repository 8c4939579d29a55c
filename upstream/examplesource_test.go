package upstream_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing/fstest"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
	"golang.org/x/mod/module"
)

// Here the module proxy is a file server on this machine.
func ExampleNewHTTP() {
	server := httptest.NewServer(http.FileServerFS(fstest.MapFS{
		"golang.org/x/mod/@latest": {Data: []byte(`{"Version":"v0.32.0"}`)},
	}))
	defer server.Close()

	proxy, err := upstream.NewHTTP(server.URL, &upstream.HTTPOptions{
		Name:             "https://proxy.example", // in errors and statistics
		FirstByteTimeout: 10 * time.Second,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	latest, err := upstream.ReadLatest(ctx, proxy, "golang.org/x/mod")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(latest.Version)

	_, err = upstream.ReadLatest(ctx, proxy, "golang.org/x/absent")
	if e, ok := errors.AsType[*upstream.Error](err); ok {
		fmt.Println(e.Source, e.Class, e.Status)
	}
	// Output:
	// v0.32.0
	// https://proxy.example not found 404
}

// A company's modules lie in a bucket, under the keys of the protocol.
func ExampleFunc() {
	bucket := map[string]string{"corp.example/lib/@v/v1.0.0.mod": "module corp.example/lib\n"}

	source := upstream.Func(func(_ context.Context, req upstream.Request) (*upstream.Response, error) {
		content, ok := bucket[req.Key()]
		if !ok { // nothing but absence may be of this class
			return nil, &upstream.Error{Class: upstream.NotFound, Request: req, Source: "bucket"}
		}
		return &upstream.Response{
			Body: io.NopCloser(strings.NewReader(content)), Size: int64(len(content)), Source: "bucket",
		}, nil
	})

	goMod, err := upstream.ReadMod(context.Background(), source, module.Version{Path: "corp.example/lib", Version: "v1.0.0"})
	fmt.Printf("%s%v\n", goMod, err)
	_, err = upstream.ReadLatest(context.Background(), source, "corp.example/lib")
	fmt.Println(err)
	// Output:
	// module corp.example/lib
	// <nil>
	// corp.example/lib (latest): bucket: not found
}

// Any fs.FS that is laid out like the go command's download cache is a source: what
// is embedded in a program, or an archive.
func ExampleFS() {
	source := upstream.FS("embedded", fstest.MapFS{
		"corp.example/lib/@v/list":        {Data: []byte("v1.0.0\n")},
		"corp.example/lib/@v/v1.0.0.info": {Data: []byte(`{"Version":"v1.0.0"}`)},
	})
	info, err := upstream.ReadInfo(context.Background(), source, "corp.example/lib", "v1.0.0")
	fmt.Println(info.Version, err)
	// Output: v1.0.0 <nil>
}

// The download cache of the go command, or a directory that another cache fills.
func ExampleDir() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	versions := filepath.Join(dir, "corp.example", "lib", "@v")
	if err := os.MkdirAll(versions, 0o777); err != nil {
		fmt.Println(err)
		return
	}
	if err := os.WriteFile(filepath.Join(versions, "list"), []byte("v1.0.0\n"), 0o666); err != nil {
		fmt.Println(err)
		return
	}

	listed, err := upstream.ReadList(context.Background(), upstream.Dir(dir), "corp.example/lib")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(listed[0].Version)
	// Output: v1.0.0
}

// A checksum database is asked for its own records, and for nothing else.
func ExampleNewSumDB() {
	database, err := upstream.NewSumDB("sum.golang.org", "https://sum.golang.org", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(upstream.Name(database))
	_, err = upstream.ReadList(context.Background(), database, "golang.org/x/mod") // makes no request
	fmt.Println(upstream.ClassOf(err))
	// Output:
	// https://sum.golang.org
	// not found
}

// Where there is no version control, "direct" finds nothing.
func ExampleDirect() {
	_, err := upstream.ReadLatest(context.Background(), upstream.Direct(), "golang.org/x/mod")
	fmt.Println(upstream.ClassOf(err))
	// Output: not found
}

// A list that ends in "off" names all the sources that there are.
func ExampleOff() {
	only := upstream.FS("company", fstest.MapFS{})
	sources := upstream.Fallback(upstream.Step{Upstream: only}, upstream.Step{Upstream: upstream.Off()})
	_, err := upstream.ReadLatest(context.Background(), sources, "golang.org/x/mod")
	fmt.Println(upstream.ClassOf(err))
	// Output: not found
}

// A source that is made of a function has no name of its own.
func ExampleWithName() {
	source := upstream.Func(func(_ context.Context, req upstream.Request) (*upstream.Response, error) {
		return nil, &upstream.Error{Request: req, Source: "bucket", Status: http.StatusServiceUnavailable}
	})
	fmt.Println(upstream.Name(source))
	fmt.Println(upstream.Name(upstream.WithName("bucket", source)))
	// Output:
	// upstream.Func
	// bucket
}
