package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/breakwater-go/breakwater/cache"
)

// diskGrowth is about a disk store of n entries. Its files are not synced, and lie in
// the page cache: what a disk takes is no part of it.
func diskGrowth(n int) []promise {
	return []promise{
		besideSmallest("hit on disk among %d", n, hitsOnDisk),
		besideSmallest("opening a store of %d", n, openings),
	}
}

// An onDisk makes ready what is measured of the store in dir, which holds n entries. What
// it opens is closed with the stack.
type onDisk func(e *env, dir string, n int, stack *closers) (func(context.Context) (sample, error), error)

// besideSmallest compares what is measured in a store of n entries and in the smallest.
func besideSmallest(format string, n int, measured onDisk) promise {
	side := func(ctx context.Context, e *env, n int, stack *closers) (func(context.Context) (sample, error), error) {
		dir, err := storeDir(ctx, e, n)
		if err != nil {
			return nil, err
		}
		return measured(e, dir, n, stack)
	}
	return promise{
		name: fmt.Sprintf(format, n), against: fmt.Sprintf("of %d", smallest),
		unit: "ns/op", compare: cost, floor: growthFloor,
		setUp: func(ctx context.Context, e *env) (*sides, error) {
			if err := tooLarge(e, n); err != nil {
				return nil, err
			}
			var stack closers
			large, err := side(ctx, e, n, &stack)
			if err != nil {
				return nil, err
			}
			small, err := side(ctx, e, smallest, &stack)
			if err != nil {
				return nil, errors.Join(err, stack.close())
			}
			return &sides{ours: large, limit: small, cleanup: stack.close}, nil
		},
	}
}

// diskPerEntry is about the heap that entries on disk take. What there is remembers
// which files this process has read or written.
func diskPerEntry() promise {
	return promise{
		name: "heap of a 1 KiB entry on disk", against: "its content and key",
		unit: "B/op", compare: cost, rounds: 3,
		setUp: func(_ context.Context, e *env) (*sides, error) {
			n := e.size(2_000, 500)
			return &sides{ours: diskHeap(e, n, 1<<10), limit: entryBytes(n, 1<<10)}, nil
		},
	}
}

// diskHeap makes a store each time and returns the heap's growth per entry.
func diskHeap(e *env, n, size int) func(context.Context) (sample, error) {
	return func(ctx context.Context) (sample, error) {
		d, grown, err := heapOf(func() (*cache.Disk, error) { return filledDisk(ctx, e, n, size) })
		if err != nil {
			return sample{}, err
		}
		return sample{value: grown / float64(n)}, errors.Join(d.Close(), os.RemoveAll(d.Dir()))
	}
}

// storeDir returns the directory of a disk store with n small entries. It is made when it
// is first asked for, and stays until the end of the run: to make it, and to remove it,
// takes much longer than what is measured.
func storeDir(ctx context.Context, e *env, n int) (string, error) {
	dir := filepath.Join(e.dir, fmt.Sprintf("store-of-%d", n))
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	d, err := filledDisk(ctx, e, n, smallContent)
	if err != nil {
		return "", err
	}
	if err := d.Close(); err != nil {
		return "", err
	}
	return dir, os.Rename(d.Dir(), dir) // only now: it is complete
}

// filledDisk makes a disk store with n entries in a directory of its own.
func filledDisk(ctx context.Context, e *env, n, size int) (*cache.Disk, error) {
	dir, err := e.tempDir()
	if err != nil {
		return nil, err
	}
	d, err := cache.OpenDisk(dir, &cache.DiskOptions{NoSync: true})
	if err != nil {
		return nil, err
	}
	if err := fillOnAllCores(ctx, d, n, size); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

func fillOnAllCores(ctx context.Context, d *cache.Disk, n, size int) error {
	parts := runtime.GOMAXPROCS(0)
	errs := make([]error, parts)
	var wg sync.WaitGroup
	for i := range parts {
		wg.Go(func() { errs[i] = fill(ctx, d, i*n/parts, (i+1)*n/parts, size) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// hitsOnDisk takes the time of getting an entry. The store has read it before, in the
// round that does not count, for the keys are the same each time.
func hitsOnDisk(e *env, dir string, n int, stack *closers) (func(context.Context) (sample, error), error) {
	keys := drawKeys(n, e.size(5_000, 1_000))
	d, err := cache.OpenDisk(dir, &cache.DiskOptions{NoSync: true})
	if err != nil {
		return nil, err
	}
	stack.push(d.Close)
	return func(ctx context.Context) (sample, error) {
		begun := time.Now()
		for _, key := range keys {
			entry, err := d.Get(ctx, key)
			if err != nil {
				return sample{}, err
			}
			if err := entry.Body.Close(); err != nil {
				return sample{}, err
			}
		}
		return sample{value: float64(time.Since(begun)) / float64(len(keys))}, ctx.Err()
	}, nil
}

// openings takes the time of opening a store that has to keep to bounds, and so to find
// out what it holds, for which nobody waits.
func openings(_ *env, dir string, _ int, _ *closers) (func(context.Context) (sample, error), error) {
	const times = 20
	bounded := &cache.DiskOptions{NoSync: true, Bounds: cache.Bounds{MaxFiles: 1 << 40}}
	return func(ctx context.Context) (sample, error) {
		var total time.Duration
		for range times {
			begun := time.Now()
			d, err := cache.OpenDisk(dir, bounded)
			total += time.Since(begun)
			if err != nil {
				return sample{}, err
			}
			if err := d.Close(); err != nil {
				return sample{}, err
			}
		}
		return sample{value: float64(total) / times}, ctx.Err()
	}, nil
}
