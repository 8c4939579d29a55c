package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
)

// streamingPromises are about a zip that is not at hand and that a client waits for at
// the other end of the handler, with [fetch.HandlerOptions.Stream]: it flows while it is
// downloaded and verified. Beside it the same client asks the origin itself.
func streamingPromises() []promise {
	total := func(p passage) time.Duration { return p.total }
	first := func(p passage) time.Duration { return p.first }
	const megabit = 1_000_000 / 8 // bytes per second
	promises := []promise{
		streamingPromise("first byte of a cold zip, 5 ms away", 100*megabit, first, 1.3),
		streamingPromise("streamed cold zip, 100 Mbit line", 100*megabit, total, soon),
		streamingPromise("streamed cold zip, gigabit line", 1000*megabit, total, 1.5),
		streamingPromise("streamed cold zip, loopback", 0, total, 16),
	}
	for i := range promises[1:] {
		promises[1+i].aim = aimOf(promises[1+i].floor)
	}
	return promises
}

// A passage is how long a file takes from the request to the first and to the last byte
// of its body.
type passage struct{ first, total time.Duration }

// streamingPromise is about a zip from a line of that rate, in bytes per second, 5 ms away.
func streamingPromise(name string, rate int, of func(passage) time.Duration, floor float64) promise {
	return promise{
		name: name, against: "the same client, direct", unit: "ns/op", compare: cost, floor: floor, rounds: 7,
		setUp: func(ctx context.Context, e *env) (*sides, error) {
			m, err := e.module("streamed", e.size(25_000_000, 2_500_000))
			if err != nil {
				return nil, err
			}
			origin, err := startChild(ctx, serving{Servers: []string{"origin"}, Tree: m.tree, Rate: rate, Delay: 5000})
			if err != nil {
				return nil, err
			}
			s := &streamed{env: e, module: m, origin: origin, of: of}
			return &sides{ours: s.ours, limit: s.limit, cleanup: origin.close}, nil
		},
	}
}

// Streamed is a zip that a child has to download for each who asks.
type streamed struct {
	env    *env
	module *testModule
	origin *child
	of     func(passage) time.Duration
}

// ours asks a child that does not have the zip. What is new is the file and not the
// process: that has answered before.
func (s *streamed) ours(ctx context.Context) (t sample, err error) {
	dir, err := s.env.tempDir()
	if err != nil {
		return t, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	c, err := startChild(ctx, serving{
		Servers: []string{"ours"}, From: s.origin.url("origin", ""), Sums: s.module.sums, Cache: dir, Stream: true,
	})
	if err != nil {
		return t, err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	other := s.module.key("info")
	info, err := os.Stat(s.module.file(other))
	if err != nil {
		return t, err
	}
	if _, err := pass(ctx, c.url("ours", other), info.Size()); err != nil {
		return t, err
	}
	before, err := asked(ctx, s.origin)
	if err != nil {
		return t, err
	}
	if t, err = s.ask(ctx, c.url("ours", s.module.key("zip"))); err != nil {
		return t, err
	}
	after, err := asked(ctx, s.origin)
	if err == nil && after-before != 1 {
		err = fmt.Errorf("%d upstream requests for one file", after-before)
	}
	return t, err
}

func (s *streamed) limit(ctx context.Context) (sample, error) {
	return s.ask(ctx, s.origin.url("origin", s.module.key("zip")))
}

func (s *streamed) ask(ctx context.Context, url string) (sample, error) {
	p, err := pass(ctx, url, s.module.size)
	return sample{value: float64(s.of(p))}, err
}

// pass takes the times of a file of that size over a new connection.
func pass(ctx context.Context, url string, size int64) (p passage, err error) {
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	begun := time.Now()
	body, _, err := get(ctx, client, url)
	if err != nil {
		return p, err
	}
	defer body.Close()
	if _, err := io.ReadFull(body, make([]byte, 1)); err != nil {
		return p, err
	}
	p.first = time.Since(begun)
	n, err := io.Copy(io.Discard, body)
	p.total = time.Since(begun)
	if err == nil && n+1 != size {
		err = fmt.Errorf("%d bytes of %d", n+1, size)
	}
	return p, err
}
