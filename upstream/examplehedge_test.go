package upstream_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing/fstest"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
)

// The near mirror hangs. Nobody waits longer for it than it usually takes, or,
// as nothing is known of it, than for a short while.
func ExampleHedge() {
	hanging := upstream.Func(func(ctx context.Context, req upstream.Request) (*upstream.Response, error) {
		<-ctx.Done()
		return nil, upstream.ContextError(ctx, req, "near")
	})
	far := upstream.FS("far", fstest.MapFS{"example.com/hello/@latest": {Data: []byte(`{"Version":"v1.1.0"}`)}})

	mirrors := upstream.Wrap(upstream.Mirrors(hanging, far), upstream.Meter())
	u := upstream.Hedge(mirrors, &upstream.HedgeOptions{Initial: 10 * time.Millisecond})
	defer upstream.Drain(u)

	latest, err := upstream.ReadLatest(context.Background(), u, "example.com/hello")
	fmt.Println(latest.Version, err)
	// Output:
	// v1.1.0 <nil>
}

// Requests for a module go to the same one of two mirrors; a third is asked when
// they are out.
func ExampleNewMirrors() {
	empty := fstest.MapFS{}
	full := fstest.MapFS{"example.com/hello/@v/list": {Data: []byte("v1.0.0\n")}}

	u := upstream.NewMirrors(&upstream.MirrorsOptions{Balance: upstream.ByModule()},
		upstream.Member{Upstream: upstream.FS("far away", full), Backup: true},
		upstream.Member{Upstream: upstream.FS("one", empty), Weight: 2},
		upstream.Member{Upstream: upstream.FS("two", empty)},
	)
	req, err := upstream.NewRequest(upstream.List, "example.com/hello", "")
	if err != nil {
		fmt.Println(err)
		return
	}
	resp, err := u.Fetch(context.Background(), req)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	fmt.Println(resp.Source)
	// Output:
	// far away
}

// A download broke off after 6 of 10 bytes.
func ExampleWithResumePoint() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"v1"`)
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader("0123456789"))
	}))
	defer server.Close()
	u, err := upstream.NewHTTP(server.URL, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	req, err := upstream.NewRequest(upstream.Zip, "example.com/hello", "v1.0.0")
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := upstream.WithResumePoint(context.Background(), upstream.ResumePoint{Offset: 6, Size: 10, Validator: `"v1"`})
	resp, err := u.Fetch(ctx, req)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	rest, err := io.ReadAll(resp.Body)
	fmt.Printf("from byte %d: %s, %v\n", resp.Offset, rest, err)
	// Output:
	// from byte 6: 6789, <nil>
}
