package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"

	"github.com/breakwater-go/breakwater/verify"
	"golang.org/x/mod/sumdb/dirhash"
)

// hashingPromises are about the hash of a module zip, beside the go command's own
// function, which inflates one entry after the other.
func hashingPromises() []promise {
	return []promise{
		hashingPromise("hashing a large zip", 1.7, func(e *env) (*testModule, int, error) {
			m, err := e.module("hashed", e.size(40_000_000, 8_000_000))
			return m, 1, err
		}),
		hashingPromise("hashing a zip of 20 KB", 0, func(e *env) (*testModule, int, error) {
			m, err := e.module("small", 20_000)
			return m, e.size(500, 100), err
		}),
	}
}

// hashingPromise is about the time per zip. choose returns the module and how many times
// its zip is hashed in a round. The floor is for two cores and more: with one there is
// nobody to share the work with.
func hashingPromise(name string, floor float64, choose func(*env) (*testModule, int, error)) promise {
	return promise{
		name: name, against: fmt.Sprintf("dirhash.HashZip, GOMAXPROCS=%d", runtime.GOMAXPROCS(0)),
		unit: "ns/op", compare: speed, floor: floor,
		setUp: func(_ context.Context, e *env) (*sides, error) {
			if runtime.GOMAXPROCS(0) < 2 {
				return nil, &skipped{"it takes two cores"}
			}
			m, times, err := choose(e)
			if err != nil {
				return nil, err
			}
			return hashingSides(m.file(m.key("zip")), times)
		},
	}
}

// hashingSides hash a file several times per round. Each has to come to the same hash,
// every time.
func hashingSides(file string, times int) (*sides, error) {
	want, err := dirhash.HashZip(file, dirhash.Hash1)
	if err != nil {
		return nil, err
	}
	run := func(hash func(file string) (string, error)) func(context.Context) (sample, error) {
		return func(ctx context.Context) (sample, error) {
			begun := time.Now()
			for range times {
				switch got, err := hash(file); {
				case err != nil:
					return sample{}, err
				case got != want:
					return sample{}, fmt.Errorf("%s is %s, not %s", file, got, want)
				}
			}
			return sample{value: float64(time.Since(begun)) / float64(times)}, ctx.Err()
		}
	}
	dirHash := func(file string) (string, error) { return dirhash.HashZip(file, dirhash.Hash1) }
	return &sides{ours: run(hashFile), limit: run(dirHash)}, nil
}

// hashFile is verify.HashZip of a file.
func hashFile(name string) (hash string, err error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	return verify.HashZip(f, info.Size())
}
