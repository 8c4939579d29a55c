package breaker_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/breakwater-go/breakwater/breaker"
	"github.com/breakwater-go/breakwater/upstream"
)

// One of two mirrors is down. After three failures it is not asked any more,
// and callers go straight to the other.
func ExampleCircuit() {
	asked := 0
	bad := upstream.WithName("https://proxy.example", upstream.Func(func(_ context.Context, req upstream.Request) (*upstream.Response, error) {
		asked++
		return nil, &upstream.Error{Request: req, Source: "https://proxy.example", Status: 500}
	}))
	good := upstream.Func(func(context.Context, upstream.Request) (*upstream.Response, error) {
		list := "v1.0.0\nv1.1.0\n"
		return &upstream.Response{
			Body: io.NopCloser(strings.NewReader(list)), Size: int64(len(list)), Source: "https://mirror.example",
		}, nil
	})

	circuit := breaker.Circuit(&breaker.CircuitOptions{
		ConsecutiveFailures: 3,
		OnChange: func(c breaker.CircuitChange) {
			fmt.Printf("%s (%v): %v -> %v\n", c.Source, c.Lane, c.From, c.To)
			fmt.Println("because of", c.Reason)
		},
	})
	mirrors := upstream.Wrap(upstream.Mirrors(bad, good), circuit)
	answered := 0
	for range 10 {
		if _, err := upstream.ReadList(context.Background(), mirrors, "example.com/m"); err == nil {
			answered++
		}
	}
	fmt.Println("answered", answered, "of 10; the bad mirror was asked", asked, "times")

	_, err := upstream.ReadList(context.Background(), upstream.Sources(mirrors)[0], "example.com/m")
	fmt.Println("open:", errors.Is(err, breaker.ErrOpen))
	// Output:
	// https://proxy.example (small files): working -> out
	// because of example.com/m (list): https://proxy.example: unavailable (status 500)
	// answered 10 of 10; the bad mirror was asked 3 times
	// open: true
}

// Retry belongs around the whole, circuits around each source.
func ExampleRetry() {
	failures := 2
	flaky := upstream.Func(func(_ context.Context, req upstream.Request) (*upstream.Response, error) {
		if failures--; failures >= 0 {
			fmt.Println("failing")
			return nil, &upstream.Error{Request: req, Source: "https://proxy.example", Status: 503}
		}
		info := `{"Version":"v1.1.0"}`
		return &upstream.Response{
			Body: io.NopCloser(strings.NewReader(info)), Size: int64(len(info)), Source: "https://proxy.example",
		}, nil
	})

	sources := upstream.Wrap(upstream.Mirrors(flaky), breaker.Circuit(nil))
	sources = breaker.Retry(&breaker.RetryOptions{FirstWait: time.Millisecond})(sources)

	latest, err := upstream.ReadLatest(context.Background(), sources, "example.com/m")
	fmt.Println(latest.Version, err)
	// Output:
	// failing
	// failing
	// v1.1.0 <nil>
}

// All sources that share a budget keep their retries within it: here there are
// two tokens, and of three requests in an outage the first gets both.
func ExampleRetry_budget() {
	asked := 0
	down := upstream.Func(func(_ context.Context, req upstream.Request) (*upstream.Response, error) {
		asked++
		return nil, &upstream.Error{Request: req, Source: "https://proxy.example", Status: 503}
	})
	sources := breaker.Retry(&breaker.RetryOptions{
		Tries: 3, FirstWait: -1, // without a wait, for the example's sake
		Budget: upstream.NewBudget(0, 2, 0),
	})(down)
	for range 3 {
		_, err := upstream.ReadLatest(context.Background(), sources, "example.com/m")
		if gave, ok := errors.AsType[*breaker.GaveUpError](err); ok {
			fmt.Println(gave)
		}
	}
	fmt.Println("asked", asked, "times")
	// Output:
	// given up after 3 tries (that is the limit)
	// given up after 1 try (too many requests are failing for more)
	// given up after 1 try (too many requests are failing for more)
	// asked 5 times
}
