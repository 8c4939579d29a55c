package verify_test

import (
	"context"
	"fmt"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/verify"
)

// A mirror breaks off in the middle of a zip and cannot be reached any more. The
// other has the same file, so it is asked for the rest only.
func ExampleWithSalvage() {
	zip := noise(400_000)
	broken := &zipOrigin{content: zip, etag: `"v1"`, breaks: []int64{300_000}}
	broken.turn = func(o *zipOrigin, n int) { o.dead = n > 0 }
	good := &zipOrigin{content: zip, etag: `"v1"`}

	source := func(url string, transport *zipOrigin) upstream.Upstream {
		u, err := upstream.NewHTTP(url, &upstream.HTTPOptions{Transport: transport})
		if err != nil {
			panic(err)
		}
		return upstream.Chain(u, verify.Mend(), verify.Spooled(nil)) // and between them the checks
	}
	mirrors := upstream.Mirrors(source("https://proxy.example", broken), source("https://mirror.example", good))

	req, err := upstream.NewRequest(upstream.Zip, "example.com/m", "v1.2.3")
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, salvage := verify.WithSalvage(context.Background(), req)
	defer salvage.Close()
	resp, err := mirrors.Fetch(ctx, req)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	fmt.Println(resp.Size, "bytes from", resp.Source)
	fmt.Println(broken.sent, "+", good.sent)
	// Output:
	// 400000 bytes from https://mirror.example
	// 300000 + 100000
}
