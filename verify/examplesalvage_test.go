package verify_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/verify"
)

// A mirror breaks off in the middle of a zip and cannot be asked any more. The other
// has the same file, so it is asked for the rest only.
func ExampleWithSalvage() {
	zip := strings.Repeat("x", 400_000)
	asked := false
	broken := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked {
			http.Error(w, "out of order", http.StatusServiceUnavailable)
			return
		}
		asked = true
		w.Header().Set("ETag", `"v1"`)
		w.Header().Set("Content-Length", fmt.Sprint(len(zip)))
		fmt.Fprint(w, zip[:300_000])
		http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}))
	defer broken.Close()
	good := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Println("the mirror is asked for", r.Header.Get("Range"))
		w.Header().Set("ETag", `"v1"`)
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader(zip))
	}))
	defer good.Close()

	var sources []upstream.Upstream
	for _, server := range []*httptest.Server{broken, good} {
		source, err := upstream.NewHTTP(server.URL, nil)
		if err != nil {
			fmt.Println(err)
			return
		}
		sources = append(sources, upstream.Chain(source, verify.Mend(), verify.Spooled(nil))) // and between them the checks
	}
	req, err := upstream.NewRequest(upstream.Zip, "golang.org/x/mod", "v0.32.0")
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, salvage := verify.WithSalvage(context.Background(), req)
	defer salvage.Close()
	resp, err := upstream.Mirrors(sources...).Fetch(ctx, req)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	fmt.Println(resp.Size, "bytes")
	// Output:
	// the mirror is asked for bytes=300000-
	// 400000 bytes
}
