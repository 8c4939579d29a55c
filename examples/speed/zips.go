package main

import (
	"context"
	"fmt"
)

// zipPromises are about a large zip that is at hand, beside the two ways in which a
// file can be sent: the kernel's (http.ServeFile) and a copy through a large buffer.
// Which one is faster is up to the kernel, so there is a promise for each.
func zipPromises() []promise {
	return []promise{
		largePromise("warm large zip, kernel", "http.ServeFile", "file", false),
		largePromise("warm large zip, copy", "a copy, large buffer", "copy", false),
		largePromise("second half of it, kernel", "http.ServeFile", "file", true),
		largePromise("second half of it, copy", "a copy, large buffer", "copy", true),
		memoryPromise(),
	}
}

// large returns the module with the large zip: 100 MB, in a quick run 32 MB.
func (e *env) large() (*testModule, error) {
	return e.module("large", e.size(100_000_000, 32_000_000))
}

func largePromise(name, against, server string, second bool) promise {
	return promise{
		name: name, against: against, unit: "ns/op", compare: speed, floor: 0.5, aim: 0.95, // between processes that differ in nothing, loopback scatters by half
		setUp: func(ctx context.Context, e *env) (*sides, error) {
			m, err := e.large()
			if err != nil {
				return nil, err
			}
			c, err := startServing(ctx, e, m, m.key("zip"), "ours", server)
			if err != nil {
				return nil, err
			}
			requests := e.size(10, 5)
			run := func(server string) func(context.Context) (sample, error) {
				l := newLoad(c.addresses[server], c.key, c.size, 1)
				if second {
					l.second()
				}
				return func(ctx context.Context) (sample, error) {
					t, err := l.run(ctx, requests)
					return sample{value: t.percentile(0.5)}, err
				}
			}
			return &sides{ours: run("ours"), limit: run(server), server: c.child, cleanup: c.close}, nil
		},
	}
}

// memoryPromise is about the memory that many large zips at once take.
func memoryPromise() promise {
	const clients, bound = 50, 64 << 20
	return promise{
		name: fmt.Sprintf("memory, %d large zips at once", clients), against: "64 MiB above idle", unit: "B/op",
		compare: cost, floor: 1, rounds: 3,
		setUp: func(ctx context.Context, e *env) (*sides, error) {
			m, err := e.large()
			if err != nil {
				return nil, err
			}
			c, err := startServing(ctx, e, m, m.key("zip"), "ours")
			if err != nil {
				return nil, err
			}
			l := newLoad(c.addresses["ours"], c.key, c.size, clients)
			return &sides{
				ours:    func(ctx context.Context) (sample, error) { return c.memory(ctx, l, 1) },
				limit:   func(context.Context) (sample, error) { return sample{value: bound}, nil },
				server:  c.child,
				cleanup: c.close,
			}, nil
		},
	}
}

// memory returns how much the child's memory grows by a load, at the most.
func (c *warmChild) memory(ctx context.Context, l *load, requests int) (sample, error) {
	idle, err := c.ask("settle")
	if err != nil {
		return sample{}, err
	}
	if idle.Resident == 0 {
		return sample{}, &skipped{"there is no /proc/self/status that tells how much memory is in use"}
	}
	t, err := l.run(ctx, requests)
	if err != nil {
		return sample{}, err
	}
	after, err := c.ask("stats")
	return sample{value: float64(after.Peak) - float64(idle.Resident), also: t.perRequest()}, err
}
