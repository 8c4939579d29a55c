package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"

	"github.com/breakwater-go/breakwater/fetch"
	"golang.org/x/mod/module"
)

// atOnce is how many modules are unpacked at a time. How many are downloaded, the
// Client bounds itself.
const atOnce = 8

// unpack puts modules into dir. The first that fails ends the others, and is the
// error; all have ended when it returns.
func unpack(ctx context.Context, f fetch.Fetcher, modules []module.Version, dir string) error {
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	slots := make(chan struct{}, atOnce)
	var working sync.WaitGroup
	for _, m := range modules {
		slots <- struct{}{}
		working.Go(func() {
			defer func() { <-slots }()
			if err := unpackOne(ctx, f, m, dir); err != nil {
				end(err)
			}
		})
	}
	working.Wait()
	return context.Cause(ctx)
}

// unpackOne puts m where the go command has it in its module cache: escaped, so
// that names which differ only in case do not meet.
func unpackOne(ctx context.Context, f fetch.Fetcher, m module.Version, dir string) error {
	path, noPath := module.EscapePath(m.Path)
	version, noVersion := module.EscapeVersion(m.Version)
	if err := errors.Join(noPath, noVersion); err != nil {
		return err
	}
	place := filepath.Join(dir, filepath.FromSlash(path)+"@"+version)
	if err := os.MkdirAll(filepath.Dir(place), 0o777); err != nil {
		return err
	}
	return fetch.Extract(ctx, f, m, place)
}
