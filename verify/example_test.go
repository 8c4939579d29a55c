package verify_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/verify"
)

// A captive portal answers everything with its sign-in page and status 200.
// That is its failure and proves nothing, so the next mirror is asked.
func ExampleStructure() {
	source := func(name, answer string) upstream.Upstream {
		return upstream.Func(func(context.Context, upstream.Request) (*upstream.Response, error) {
			return &upstream.Response{Body: io.NopCloser(strings.NewReader(answer)), Size: int64(len(answer)), Source: name}, nil
		})
	}
	portal := source("https://proxy.example", "<html>Sign in to the network</html>")
	mirror := source("https://mirror.example", `{"Version":"v1.2.3"}`)
	check := func(u upstream.Upstream) upstream.Upstream {
		return upstream.Chain(u, verify.Structure(), verify.Spooled(nil))
	}

	req, err := upstream.NewRequest(upstream.Info, "example.com/m", "v1.2.3")
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = check(portal).Fetch(context.Background(), req)
	fmt.Println(upstream.ClassOf(err), errors.Is(err, fs.ErrNotExist))

	resp, err := upstream.Wrap(upstream.Mirrors(portal, mirror), check).Fetch(context.Background(), req)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	fmt.Println(resp.Source, resp.Verified)
	// Output:
	// unavailable false
	// https://mirror.example structure
}
