package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
	"golang.org/x/mod/module"
)

// parsingPromises are about reading a request's path, beside what any server of the
// protocol has to do at the least: cut it and unescape the module path and the version,
// which checks them, too.
func parsingPromises() []promise {
	return []promise{
		parsingPromise("reading a request's path", "ns/op", speed, func(parse func(path string) error, times int) (float64, error) {
			begun := time.Now()
			err := parseAll(parse, times)
			return float64(time.Since(begun)), err
		}),
		parsingPromise("allocations of reading a path", "allocs/op", excess, func(parse func(path string) error, times int) (float64, error) {
			before := mallocs()
			err := parseAll(parse, times)
			return float64(mallocs() - before), err
		}),
	}
}

// parsingPromise has measure say what it took to read all paths some times.
func parsingPromise(name, unit string, c comparison, measure func(parse func(path string) error, times int) (float64, error)) promise {
	return promise{
		name: name, against: "module.Unescape{Path,Version}", unit: unit, compare: c,
		setUp: func(_ context.Context, e *env) (*sides, error) {
			times := e.size(50_000, 5_000)
			run := func(parse func(path string) error) func(context.Context) (sample, error) {
				return func(ctx context.Context) (sample, error) {
					total, err := measure(parse, times)
					return sample{value: total / float64(times*len(parsedPaths()))}, errors.Join(err, ctx.Err())
				}
			}
			return &sides{ours: run(parseRequest), limit: run(unescapePath)}, nil
		},
	}
}

// parsedPaths are paths as the go command asks for them: short and long, with and
// without what has to be unescaped.
func parsedPaths() []string {
	return []string{
		"/golang.org/x/mod/@v/v0.42.0.mod",
		"/github.com/google/go-cmp/@v/v0.7.0.info",
		"/github.com/!burnt!sushi/toml/@v/v1.5.0.zip",
		"/github.com/!azure/azure-sdk-for-go/sdk/azcore/@v/v1.21.0.mod",
		"/k8s.io/kube-openapi/@v/v0.0.0-20250318190949-c8a335a9a2ff.mod",
		"/github.com/hashicorp/golang-lru/v2/@v/v2.0.7.zip",
		"/gopkg.in/yaml.v3/@v/v3.0.1.mod",
		"/github.com/docker/docker/@v/v28.3.3+incompatible.info",
	}
}

// parseAll reads every path some times.
func parseAll(parse func(path string) error, times int) error {
	paths := parsedPaths()
	for range times {
		for _, path := range paths {
			if err := parse(path); err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
		}
	}
	return nil
}

// errNoParts is the error of a path that was read and found to name nothing.
var errNoParts = errors.New("no module or no version")

// parseRequest reads a path as Breakwater does.
func parseRequest(path string) error {
	req, err := upstream.ParsePath(path)
	if err != nil {
		return err
	}
	if req.Module() == "" || req.Version() == "" {
		return errNoParts
	}
	return nil
}

// unescapePath reads a path with nothing but golang.org/x/mod.
func unescapePath(path string) error {
	escaped, file, found := strings.Cut(strings.TrimPrefix(path, "/"), "/@v/")
	dot := strings.LastIndexByte(file, '.')
	if !found || dot < 0 {
		return errNoParts
	}
	if _, err := module.UnescapePath(escaped); err != nil {
		return err
	}
	_, err := module.UnescapeVersion(file[:dot])
	return err
}

// mallocs is how many objects this process has allocated.
func mallocs() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.Mallocs
}
