package main

import (
	"context"
	"errors"
	"time"
)

// graphPromises are about the real go command and a graph of modules that is at hand:
// through our handler over loopback, beside the same files read from our store's own
// directory by GOPROXY=file://.
func graphPromises() []promise {
	return []promise{
		graphPromise("go mod download of a graph", 1.25, 1.10, "mod", "download"),
		graphPromise("go list -m all of a graph", 0, 0, "list", "-m", "all"),
	}
}

// graphPromise is about the time that a go command takes. It has the same module cache
// in every round: none.
func graphPromise(name string, floor, aim float64, args ...string) promise {
	return promise{
		name: name, against: "GOPROXY=file://", unit: "ns/op", compare: cost, floor: floor, aim: aim, rounds: 7,
		setUp: func(ctx context.Context, e *env) (*sides, error) { return graphSides(ctx, e, args) },
	}
}

// graphSides starts a process that serves the graph with our default store, and has the
// go command ask it for everything once. From then on all is in that store, and the
// limit reads its directory.
func graphSides(ctx context.Context, e *env, args []string) (*sides, error) {
	g, err := makeGraph(e)
	if err != nil {
		return nil, err
	}
	cache, err := e.tempDir()
	if err != nil {
		return nil, err
	}
	c, err := startChild(ctx, serving{Servers: []string{"ours"}, Tree: g.tree, Cache: cache})
	if err != nil {
		return nil, err
	}
	run := func(proxy string) func(context.Context) (sample, error) {
		return func(ctx context.Context) (sample, error) { return timeGo(ctx, e, g, proxy, args) }
	}
	s := &sides{ours: run(c.url("ours", "")), limit: run(fileProxy(cache)), server: c, cleanup: c.close}
	if _, err := s.ours(ctx); err != nil {
		return nil, errors.Join(err, c.close())
	}
	return s, nil
}

// timeGo takes the time of a go command that has everything to fetch.
func timeGo(ctx context.Context, e *env, g *graph, proxy string, args []string) (s sample, err error) {
	command, err := newGoCommand(e, g, proxy)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, command.remove()) }()
	begun := time.Now()
	err = command.run(ctx, args)
	s.value = float64(time.Since(begun))
	return s, errors.Join(err, ctx.Err())
}
