package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
)

// coldPromises are about what is not at hand: how long it takes until it is downloaded,
// verified by a go.sum file and at hand. It is written to a store and synced to the disk
// after that, for which the next waits, unmeasured; where files follow at once, they
// share the machine with it. Beside it, net/http's client reads the same from the same
// place, a zip into a file, and no more.
func coldPromises() []promise {
	const gigabit = 125_000_000 // bytes per second
	return []promise{
		coldMods("cold .mod, loopback", 0, coldMod{floor: 4, aim: 1.2}),
		coldMods("cold .mod, 5 ms away", 5*time.Millisecond, coldMod{floor: 1.2}),
		coldMods("cold .mods, each at once after the other", 0, coldMod{haste: true}),
		coldZip("cold zip, loopback", 0, 100_000_000, 7, 12),
		coldZip("cold zip, a gigabit line", gigabit, 100_000_000, 7, 1.6),
		coldZip("cold zip, a 100 Mbit line", gigabit/10, 25_000_000, 5, soon),
	}
}

// soon is how many times as long as its download a zip may take.
const soon = 1.10

// aimOf is what a floor for a zip ought to be. It cannot be that where to inflate and
// hash the zip takes all cores for longer than its download does.
func aimOf(floor float64) float64 {
	if floor == soon {
		return 0
	}
	return soon
}

// coldZip is about a zip of that size from a line of that rate, in bytes per second.
// A quick run takes a part of it.
func coldZip(name string, rate, size, rounds int, floor float64) promise {
	return promise{
		name: name, against: "a plain download", unit: "ns/op", compare: cost, floor: floor, aim: aimOf(floor), rounds: rounds,
		setUp: func(ctx context.Context, e *env) (*sides, error) {
			size := e.size(size, min(size/10, 4_000_000))
			m, err := e.module(fmt.Sprintf("cold%d", size), size)
			if err != nil {
				return nil, err
			}
			return coldSides(ctx, e, serving{Rate: rate, Tree: m.tree, Sums: m.sums}, coldFiles{keys: []string{m.key("zip")}, kept: true})
		},
	}
}

// A coldMod says what must hold of it. Over loopback, to look for the file in the store
// and to agree with other processes who fetches it takes longer than its download.
type coldMod struct {
	floor, aim float64
	haste      bool // none waits until the one before is stored
}

// coldMods is about go.mod files, one after the other over a connection that is kept,
// from a proxy that takes so long to begin its answer.
func coldMods(name string, away time.Duration, how coldMod) promise {
	return promise{
		name: name, against: "a plain client", unit: "ns/op", compare: cost, floor: how.floor, aim: how.aim,
		setUp: func(ctx context.Context, e *env) (*sides, error) {
			tree, keys, sums, err := e.manyMods(e.size(100, 30))
			if err != nil {
				return nil, err
			}
			return coldSides(ctx, e, serving{Delay: int(away / time.Microsecond), Tree: tree, Sums: sums}, coldFiles{keys: keys, haste: how.haste})
		},
	}
}

// coldSides starts an origin as s says and compares how long the files take, each.
func coldSides(ctx context.Context, e *env, s serving, cold coldFiles) (*sides, error) {
	s.Servers = []string{"origin"}
	c, err := startChild(ctx, s)
	if err != nil {
		return nil, err
	}
	cold.origin, cold.sums, cold.env = c, s.Sums, e
	return &sides{ours: cold.ours, limit: cold.plain, cleanup: c.close}, nil
}

// Cold files are what is fetched from an origin, in order.
type coldFiles struct {
	origin *child
	sums   string
	keys   []string
	env    *env
	kept   bool // the plain client writes them to files
	haste  bool // they are not waited for until they are stored
}

// ours fetches the files into an empty store. What comes before the first and after the
// last is not measured.
func (f *coldFiles) ours(ctx context.Context) (t sample, err error) {
	dir, err := f.env.tempDir()
	if err != nil {
		return t, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	c, err := serving{From: f.origin.url("origin", ""), Sums: f.sums, Cache: dir}.newClient()
	if err != nil {
		return t, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	before, err := asked(ctx, f.origin)
	if err != nil {
		return t, err
	}
	settle := func() error { return c.Flush(ctx) }
	if f.haste {
		settle = nothing
	}
	t, err = eachInTurn(f.keys, func(key string) error { return fetchOne(ctx, c, key) }, settle)
	if err != nil {
		return t, err
	}
	after, err := asked(ctx, f.origin)
	if err == nil && after-before != len(f.keys) {
		err = fmt.Errorf("%d upstream requests for %d files", after-before, len(f.keys))
	}
	return t, err
}

// fetchOne fetches a file and sees that it was verified.
func fetchOne(ctx context.Context, c *fetch.Client, key string) error {
	req, err := upstream.ParsePath("/" + key)
	if err != nil {
		return err
	}
	resp, err := c.Fetch(ctx, req)
	if err != nil {
		return err
	}
	if resp.Verified == "" {
		err = fmt.Errorf("%s was not verified", key)
	}
	return errors.Join(err, resp.Body.Close())
}

func nothing() error { return nil }

// plain downloads the files.
func (f *coldFiles) plain(ctx context.Context) (t sample, err error) {
	if !f.kept {
		return f.read(ctx, "")
	}
	dir, err := f.env.tempDir()
	if err != nil {
		return t, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	return f.read(ctx, dir)
}

func (f *coldFiles) read(ctx context.Context, dir string) (sample, error) {
	p := newPlainClient(dir)
	defer p.close()
	return eachInTurn(f.keys, func(key string) error { return p.download(ctx, f.origin.url("origin", key)) }, nothing)
}

// eachInTurn returns how long get takes for one of the keys: the median. After each
// comes settle, which is not measured.
func eachInTurn(keys []string, get func(key string) error, settle func() error) (sample, error) {
	var t taken
	for _, key := range keys {
		begun := time.Now()
		if err := get(key); err != nil {
			return sample{}, err
		}
		t.each = append(t.each, time.Since(begun))
		if err := settle(); err != nil {
			return sample{}, err
		}
	}
	return sample{value: t.percentile(0.5)}, nil
}
