package breaker_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/breakwater-go/breakwater/breaker"
	"github.com/breakwater-go/breakwater/upstream"
	"golang.org/x/mod/module"
)

// Two zips may be under way at once and nobody may wait, so the third call is
// refused until one of the bodies is closed.
func ExampleLimit() {
	source := upstream.WithName("https://proxy.example", upstream.Func(func(context.Context, upstream.Request) (*upstream.Response, error) {
		return &upstream.Response{Body: io.NopCloser(strings.NewReader("PK"))}, nil
	}))
	limited := breaker.Limit(&breaker.LimitOptions{Zips: 2, Queue: -1})(source)

	ctx := context.Background()
	m := module.Version{Path: "example.com/m", Version: "v1.0.0"}
	var open []*upstream.Response
	for range 2 {
		resp, err := upstream.OpenZip(ctx, limited, m)
		if err != nil {
			fmt.Println(err)
			return
		}
		defer resp.Body.Close()
		open = append(open, resp)
	}
	load, _ := breaker.LoadOf(limited, upstream.Zips)
	fmt.Println(load.Inside, "of", load.Limit)
	_, err := upstream.OpenZip(ctx, limited, m)
	fmt.Println(errors.Is(err, breaker.ErrBusy), upstream.ClassOf(err))

	open[0].Body.Close()
	load, _ = breaker.LoadOf(limited, upstream.Zips)
	fmt.Println(load.Inside, "of", load.Limit)
	// Output:
	// 2 of 2
	// true overloaded
	// 1 of 2
}
