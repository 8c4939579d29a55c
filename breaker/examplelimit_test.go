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
	source := named{"https://proxy.example", func(context.Context, upstream.Request) (*upstream.Response, error) {
		return &upstream.Response{Body: io.NopCloser(strings.NewReader("PK"))}, nil
	}}
	limited := breaker.Limit(&breaker.LimitOptions{Zips: 2, Queue: -1})(source)

	ctx := context.Background()
	m := module.Version{Path: "example.com/m", Version: "v1.0.0"}
	first, _ := upstream.OpenZip(ctx, limited, m)
	upstream.OpenZip(ctx, limited, m)
	_, err := upstream.OpenZip(ctx, limited, m)
	fmt.Println(errors.Is(err, breaker.ErrBusy), upstream.ClassOf(err))

	first.Body.Close()
	_, err = upstream.OpenZip(ctx, limited, m)
	fmt.Println(err)
	// Output:
	// true overloaded
	// <nil>
}
