package main

import (
	"context"
	"fmt"
)

// clientPromises show how it goes with more clients, up to a thousand, who ask for a
// go.mod file that is at hand: what a request takes of the server's time, how long the
// slowest of a hundred waits, and how much memory it takes. They are figures to look
// at: the promises are made for the number of clients that keep the machine busy.
func clientPromises() []promise {
	var ps []promise
	for _, clients := range []int{1, 10, 100, 1000} {
		who := fmt.Sprintf("%d at once", clients)
		ps = append(ps,
			clientPromise("clients of a warm .mod, "+who, "ns/op", clients, perRequest),
			clientPromise("clients' p99, "+who, "ns/op", clients, slowest),
			clientPromise("clients' memory, "+who, "B/op", clients, growth),
		)
	}
	return ps
}

// A figureOf makes one figure of a load of so many requests per client.
type figureOf func(ctx context.Context, c *warmChild, l *load, requests int) (sample, error)

func perRequest(ctx context.Context, _ *warmChild, l *load, requests int) (sample, error) {
	t, err := l.run(ctx, requests)
	return sample{value: float64(t.total) / float64(requests*l.clients), also: t.perRequest()}, err
}

func slowest(ctx context.Context, _ *warmChild, l *load, requests int) (sample, error) {
	t, err := l.run(ctx, requests)
	return sample{value: t.percentile(0.99), also: t.perRequest()}, err
}

func growth(ctx context.Context, c *warmChild, l *load, requests int) (sample, error) {
	return c.memory(ctx, l, requests)
}

func clientPromise(name, unit string, clients int, of figureOf) promise {
	return promise{
		name: name, against: "bare net/http", unit: unit, compare: cost, rounds: 9,
		setUp: func(ctx context.Context, e *env) (*sides, error) {
			if e.quick && clients != 1 && clients != 1000 {
				return nil, &skipped{"a quick run takes one client and a thousand"}
			}
			c, err := startWarm(ctx, e, func(m *testModule) string { return m.key("mod") })
			if err != nil {
				return nil, err
			}
			requests := max(e.size(20_000, 4_000)/clients, 1)
			run := func(server string) func(context.Context) (sample, error) {
				l := newLoad(c.addresses[server], c.key, c.size, clients)
				return func(ctx context.Context) (sample, error) { return of(ctx, c, l, requests) }
			}
			return &sides{ours: run("ours"), limit: run("bare"), server: c.child, cleanup: c.close}, nil
		},
	}
}
