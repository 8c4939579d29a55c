package verify_test

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing/fstest"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/verify"
	"golang.org/x/mod/module"
)

// What a source sends is compared with the Expectation in the context.
func ExampleChecksums() {
	m := module.Version{Path: "example.com/hello", Version: "v1.0.0"}
	source := upstream.FS("mirror", fstest.MapFS{
		"example.com/hello/@v/v1.0.0.mod": {Data: []byte("module example.com/hello\n")},
	})
	checked := upstream.Chain(source, verify.Checksums(), verify.Structure(), verify.Spooled(nil))

	hash, err := verify.HashMod(strings.NewReader("module example.com/hello\n"))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, listed := range []string{hash, "h1:SgipZ/3h2Ci89DlEtEXWUk/HteuRin+HHhN+WbNhguU="} {
		goSum, err := verify.ParseGoSum("go.sum", fmt.Appendf(nil, "%s %s/go.mod %s\n", m.Path, m.Version, listed))
		if err != nil {
			fmt.Println(err)
			return
		}
		ctx := context.Background()
		ctx = verify.WithExpectation(ctx, verify.Begin(ctx, goSum, m, upstream.Mod))
		_, err = upstream.ReadMod(ctx, checked, m)
		mismatch, found := errors.AsType[*verify.MismatchError](err)
		fmt.Println(err == nil, found && mismatch.Got == hash)
	}
	// Output:
	// true false
	// false true
}

// A body that is shorter than announced is the failure of the source that sent it,
// and known before anybody reads it.
func ExampleSpooled() {
	broken := upstream.Func(func(context.Context, upstream.Request) (*upstream.Response, error) {
		return &upstream.Response{Body: io.NopCloser(strings.NewReader(`{"Vers`)), Size: 20, Source: "near"}, nil
	})
	whole := upstream.FS("far", fstest.MapFS{"golang.org/x/mod/@latest": {Data: []byte(`{"Version":"v0.32.0"}`)}})

	mirrors := upstream.Wrap(upstream.Mirrors(broken, whole), verify.Spooled(nil))
	latest, err := upstream.ReadLatest(context.Background(), mirrors, "golang.org/x/mod")
	fmt.Println(latest.Version, err)
	// Output: v0.32.0 <nil>
}

// A download breaks off, and what the proxy sends as the rest is of another file. Put
// together that is no zip; Mend asks once more, for the whole.
func ExampleMend() {
	var content bytes.Buffer
	w := zip.NewWriter(&content)
	file, err := w.CreateHeader(&zip.FileHeader{Name: "example.com/hello@v1.0.0/hello.txt"}) // not compressed
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Fprint(file, strings.Repeat("hello ", 30_000))
	if err := w.Close(); err != nil {
		fmt.Println(err)
		return
	}
	asked := 0
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"v1"`)
		switch asked++; asked {
		case 1:
			w.Header().Set("Content-Length", fmt.Sprint(content.Len()))
			w.Write(content.Bytes()[:100_000])
			http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		case 2:
			w.Header().Set("Content-Range", fmt.Sprintf("bytes 100000-%d/%d", content.Len()-1, content.Len()))
			w.WriteHeader(http.StatusPartialContent)
			w.Write(make([]byte, content.Len()-100_000))
		default:
			w.Write(content.Bytes())
		}
	}))
	defer proxy.Close()
	source, err := upstream.NewHTTP(proxy.URL, nil)
	if err != nil {
		fmt.Println(err)
		return
	}

	mended := upstream.Chain(source, verify.Mend(), verify.Structure(), verify.Spooled(nil))
	resp, err := upstream.OpenZip(context.Background(), mended, module.Version{Path: "example.com/hello", Version: "v1.0.0"})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	fmt.Println(resp.Size == int64(content.Len()), "after", asked, "requests")
	// Output: true after 3 requests
}
