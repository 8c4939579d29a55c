package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

// crowdPromises are about many callers who want one file at the same moment that is not
// at hand: it is asked for once, and they wait hardly longer than for one at hand, after
// one download.
func crowdPromises() []promise {
	return []promise{
		crowdPromise("1,000 callers, a cold .mod", "mod"),
		crowdPromise("1,000 callers, a cold 5 MB zip", "zip"),
	}
}

func crowdPromise(name, ext string) promise {
	return promise{
		name: name, against: "warm, and one download", unit: "ns/op", compare: cost, floor: 2, aim: 1.5, rounds: 5,
		setUp: func(ctx context.Context, e *env) (*sides, error) {
			m, err := e.module("crowd", e.size(5_000_000, 1_000_000))
			if err != nil {
				return nil, err
			}
			c := &crowd{env: e, module: m, key: m.key(ext), callers: 1000}
			return c.sides(ctx)
		},
	}
}

// A crowd is many callers of one file.
type crowd struct {
	env     *env
	module  *testModule
	key     string
	size    int64
	callers int

	origin *child
	warm   *child // has the file at hand
}

func (c *crowd) sides(ctx context.Context) (_ *sides, err error) {
	info, err := os.Stat(c.module.file(c.key))
	if err != nil {
		return nil, err
	}
	c.size = info.Size()
	var stack closers
	defer func() {
		if err != nil {
			err = errors.Join(err, stack.close())
		}
	}()
	if c.origin, err = startChild(ctx, serving{Servers: []string{"origin"}, Tree: c.module.tree}); err != nil {
		return nil, err
	}
	stack.push(c.origin.close)
	if c.warm, err = c.start(ctx); err != nil {
		return nil, err
	}
	stack.push(c.warm.close)
	return &sides{ours: c.cold, limit: c.limit, cleanup: stack.close}, nil
}

// start starts a child that has nothing and asks the origin.
func (c *crowd) start(ctx context.Context) (*child, error) {
	dir, err := c.env.tempDir()
	if err != nil {
		return nil, err
	}
	return startChild(ctx, serving{
		Servers: []string{"ours"}, From: c.origin.url("origin", ""), Sums: c.module.sums, Cache: dir,
	})
}

// cold has the crowd ask a child that does not have the file. What is new is the file
// and not the process: that has had as many callers before, who wanted another one.
func (c *crowd) cold(ctx context.Context) (s sample, err error) {
	server, err := c.start(ctx)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, server.close()) }()
	if err := c.accustom(ctx, server); err != nil {
		return s, err
	}
	before, err := asked(ctx, c.origin)
	if err != nil {
		return s, err
	}
	if s, err = c.ask(ctx, server); err != nil {
		return s, err
	}
	after, err := asked(ctx, c.origin)
	if err == nil && after-before != 1 {
		err = fmt.Errorf("%d upstream requests for one file", after-before)
	}
	return s, err
}

// accustom has the crowd ask a child for the .info file.
func (c *crowd) accustom(ctx context.Context, server *child) error {
	other := *c
	other.key = c.module.key("info")
	info, err := os.Stat(c.module.file(other.key))
	if err != nil {
		return err
	}
	other.size = info.Size()
	_, err = other.ask(ctx, server)
	return err
}

// ask has every caller ask once, over a new connection.
func (c *crowd) ask(ctx context.Context, server *child) (sample, error) {
	l := newLoad(server.addresses["ours"], c.key, c.size, c.callers)
	l.unready = true
	t, err := l.run(ctx, 1)
	return sample{value: t.percentile(0.99)}, err
}

// limit has the crowd ask a child that has the file, and adds one download.
func (c *crowd) limit(ctx context.Context) (s sample, err error) {
	if s, err = c.ask(ctx, c.warm); err != nil {
		return s, err
	}
	dir, err := c.env.tempDir()
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	p := newPlainClient(dir)
	defer p.close()
	begun := time.Now()
	err = p.download(ctx, c.origin.url("origin", c.key))
	s.value += float64(time.Since(begun))
	return s, err
}
