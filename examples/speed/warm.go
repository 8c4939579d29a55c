package main

import (
	"context"
	"os"
)

// warmPromises are about what is at hand: a small file from memory, beside a handler
// that does nothing but write the same bytes.
func warmPromises() []promise {
	mod := func(m *testModule) string { return m.key("mod") }
	info := func(m *testModule) string { return m.key("info") }
	zip := func(m *testModule) string { return m.key("zip") }
	return []promise{
		warmPromise("warm .mod", "bare", mod, 0.80, 0.90),
		warmPromise("warm .info", "bare", info, 0.80, 0.90),
		warmPromise("warm list", "bare", (*testModule).list, 0, 0),
		warmPromise("warm zip of 20 KB", "bare", zip, 0, 0),
		warmPromise("warm .mod, no type beside", "barest", mod, 0, 0),
		allocationPromise("allocations of a warm .mod", "bare", mod, 2),
		allocationPromise("allocations of a warm .info", "bare", info, 2),
		allocationPromise("the same, no type beside", "barest", mod, 0),
	}
}

// warmClients is how many clients ask at once: enough to keep two cores busy.
const warmClients = 16

// warmPromise is about the time per request, which is what requests per second come to.
func warmPromise(name, beside string, key func(*testModule) string, floor, aim float64) promise {
	return promise{
		name: name, against: "bare net/http", unit: "ns/op", compare: speed, floor: floor, aim: aim,
		setUp: func(ctx context.Context, e *env) (*sides, error) {
			c, err := startWarm(ctx, e, key)
			if err != nil {
				return nil, err
			}
			requests := e.size(1000, 500)
			run := func(server string) func(context.Context) (sample, error) {
				l := newLoad(c.addresses[server], c.key, c.size, warmClients)
				return func(ctx context.Context) (sample, error) {
					t, err := l.run(ctx, requests)
					return sample{value: float64(t.total) / float64(requests*warmClients)}, err
				}
			}
			return &sides{ours: run("ours"), limit: run(beside), server: c.child, cleanup: c.close}, nil
		},
	}
}

// allocationPromise is about the objects that the server allocates per request.
func allocationPromise(name, beside string, key func(*testModule) string, floor float64) promise {
	return promise{
		name: name, against: "bare net/http", unit: "allocs/op", compare: excess, floor: floor, rounds: 5,
		setUp: func(ctx context.Context, e *env) (*sides, error) {
			c, err := startWarm(ctx, e, key)
			if err != nil {
				return nil, err
			}
			requests := e.size(5000, 2000)
			run := func(server string) func(context.Context) (sample, error) {
				l := newLoad(c.addresses[server], c.key, c.size, 1)
				return func(ctx context.Context) (sample, error) { return c.allocations(ctx, l, requests) }
			}
			return &sides{ours: run("ours"), limit: run(beside), server: c.child, cleanup: c.close}, nil
		},
	}
}

// A warmChild is a child that has one file at hand.
type warmChild struct {
	*child
	key  string
	size int64
}

// startWarm starts a child with our server and the bare one, in equal circumstances:
// in one process, each at an address of its own.
func startWarm(ctx context.Context, e *env, key func(*testModule) string) (*warmChild, error) {
	m, err := e.module("small", 20_000)
	if err != nil {
		return nil, err
	}
	return startServing(ctx, e, m, key(m), "ours", "bare", "barest")
}

// startServing starts a child with the named servers, and asks ours once for the file.
func startServing(ctx context.Context, e *env, m *testModule, key string, servers ...string) (*warmChild, error) {
	cache, err := e.tempDir()
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(m.file(key))
	if err != nil {
		return nil, err
	}
	c, err := startChild(ctx, serving{Servers: servers, Tree: m.tree, Cache: cache, Key: key})
	if err != nil {
		return nil, err
	}
	_, err = newLoad(c.addresses["ours"], key, info.Size(), 1).run(ctx, 1)
	if err != nil {
		c.close()
		return nil, err
	}
	return &warmChild{child: c, key: key, size: info.Size()}, nil
}

// allocations returns how many objects the child allocates per request of a load.
// What the questions themselves take, and the connection, is little beside them.
func (c *warmChild) allocations(ctx context.Context, l *load, requests int) (sample, error) {
	before, err := c.ask("stats")
	if err != nil {
		return sample{}, err
	}
	if _, err := l.run(ctx, requests); err != nil {
		return sample{}, err
	}
	after, err := c.ask("stats")
	return sample{value: float64(after.Mallocs-before.Mallocs) / float64(requests)}, err
}
