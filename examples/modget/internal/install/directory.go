package install

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
	"golang.org/x/mod/module"
)

const (
	// unpackers is how many modules are fetched and unpacked at once.
	unpackers = 4

	// unpacking is the directory below a destination in which modules are until
	// they are whole. No module path begins so.
	unpacking = ".breakwater-unpacking"

	// abandoned is how old something in there is that nobody works at any more:
	// no module takes that long.
	abandoned = 24 * time.Hour
)

// Directory fetches modules, whose versions are canonical, and unpacks each as
// DIR/path@version, escaped as in GOMODCACHE, so that names which differ only in
// case are different ones everywhere. A directory of such a name is a whole module:
// it is unpacked beside and renamed. What is there is left alone, so that a call
// which was interrupted, or killed, can be made again; it is compared with the zip,
// for somebody may have edited it. What a killed process left behind is removed a day
// later, by another call. Files are read-only, directories are not, so that all can
// be removed.
//
// done is called with each module when its outcome is known, by the goroutine that
// called Directory; nil means that nobody is told. The error is nil when all
// modules are there. Else it joins those of the first hundred that are not, or not as
// they were (a [*ModifiedError]), or is what stopped the whole: a [*NotWritableError], a [*DiskFullError], the context's
// error. When ctx ends, modules whose zip is there are still unpacked.
func Directory(ctx context.Context, f fetch.Fetcher, modules []module.Version, dir string, done func(module.Version, error)) error {
	stage := filepath.Join(dir, unpacking)
	if err := prepare(stage); err != nil {
		return err
	}
	removeAbandoned(stage)
	defer os.Remove(stage) // unless another process is at work there

	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var failed failures
	for o := range unpackAll(ctx, f, modules, dir) {
		if done != nil {
			done(o.Module, o.Err)
		}
		switch _, full := errors.AsType[*DiskFullError](o.Err); {
		case full:
			stop(o.Err) // the others would fail, too
		case ctx.Err() != nil && upstream.ClassOf(o.Err) == upstream.Canceled:
			// The cause is told once, below.
		default:
			failed.add(o.Err)
		}
	}
	return failed.join(context.Cause(ctx))
}

// unpackAll unpacks modules, a few at once, and sends the outcome of each that was
// begun. The channel is closed when all goroutines have ended; it must be read
// until then.
func unpackAll(ctx context.Context, f fetch.Fetcher, modules []module.Version, dir string) <-chan Installed {
	todo, outcomes := make(chan module.Version), make(chan Installed)
	var workers sync.WaitGroup
	for range min(unpackers, len(modules)) {
		workers.Go(func() {
			for m := range todo {
				target, err := unpack(ctx, f, m, dir)
				outcomes <- Installed{Module: m, Dir: target, Err: err}
			}
		})
	}
	go func() {
		defer close(outcomes)
		defer workers.Wait()
		defer close(todo)
		for _, m := range modules {
			if ctx.Err() != nil {
				return
			}
			todo <- m
		}
	}()
	return outcomes
}

// unpack returns the module's directory.
func unpack(ctx context.Context, f fetch.Fetcher, m module.Version, dir string) (string, error) {
	target, err := place(dir, m)
	if err != nil {
		return "", fmt.Errorf("unpacking %s: %w", m, err)
	}
	if info, err := os.Stat(target); err == nil && info.IsDir() {
		return target, unchanged(ctx, f, m, target)
	}
	switch err := unpackBeside(ctx, f, m, filepath.Join(dir, unpacking), target); {
	case isFull(err):
		return "", &DiskFullError{Module: m, Err: err}
	case err != nil:
		return "", fmt.Errorf("unpacking %s into %s: %w", m, dir, err)
	}
	return target, nil
}

// place is the go command's (cmd/go/internal/modfetch, DownloadDir).
func place(dir string, m module.Version) (string, error) {
	path, err := module.EscapePath(m.Path)
	if err != nil {
		return "", err
	}
	version, err := module.EscapeVersion(m.Version)
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, filepath.FromSlash(path)+"@"+version), nil
}

func unpackBeside(ctx context.Context, f fetch.Fetcher, m module.Version, stage, target string) (err error) {
	temp, err := os.MkdirTemp(stage, "module-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temp)) }()
	whole := filepath.Join(temp, "files")
	if err := fetch.Extract(ctx, f, m, whole); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(target), 0o777); err != nil {
		return err
	}
	err = os.Rename(whole, target)
	if info, statErr := os.Stat(target); err != nil && statErr == nil && info.IsDir() {
		return nil // another process was faster, with the same
	}
	return err
}

// removeAbandoned removes what killed processes left. That it fails is nobody's
// failure: it only takes room.
func removeAbandoned(stage string) {
	entries, err := os.ReadDir(stage)
	if err != nil {
		return
	}
	for _, e := range entries {
		if info, err := e.Info(); err == nil && time.Since(info.ModTime()) > abandoned {
			os.RemoveAll(filepath.Join(stage, e.Name()))
		}
	}
}
