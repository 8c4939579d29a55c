package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"syscall"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/verify"
)

// A session is a Client and what it did that no caller is told.
type session struct {
	*fetch.Client
	settings fetch.GoSettings
	dir      string // the cache's

	mu   sync.Mutex
	full context.CancelCauseFunc // called when there is no room for more; nil: nobody
}

// whileThereIsRoom returns a context that ends when a file could not be stored because
// the disk is full: what comes after that would be downloaded for nothing.
func (s *session) whileThereIsRoom(ctx context.Context) (context.Context, func()) {
	ctx, stop := context.WithCancelCause(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.full = stop
	return ctx, func() { stop(nil) }
}

func isFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// open makes the Client that the flags ask for. sums, where there is one, decides
// about what it lists before the checksum database does.
func (a *app) open(ctx context.Context, sums *verify.GoSum) (*session, error) {
	dir, err := a.cacheDir()
	if err != nil {
		return nil, err
	}
	return a.openOn(ctx, sums, dir, nil)
}

// openToRead is open for a command that fetches nothing but what the checksum database
// says: where no cache can be written, as in a container that is read-only, or there is
// no place for one, as where HOME is /dev/null, it is kept in memory. That the database has only grown since last
// time is not seen then.
func (a *app) openToRead(ctx context.Context) (*session, error) {
	if _, err := a.cacheDir(); err == nil {
		s, err := a.open(ctx, nil)
		if !isNotWritable(err) && !isFull(err) && !errors.Is(err, syscall.ENOTDIR) {
			return s, err
		}
	}
	return a.openOn(ctx, nil, "", cache.NewMemory(nil))
}

func isNotWritable(err error) bool {
	return errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS)
}

// openOn opens the cache in dir, or takes a store in its place.
func (a *app) openOn(ctx context.Context, sums *verify.GoSum, dir string, store cache.Store) (*session, error) {
	settings, err := a.settings(ctx)
	if err != nil {
		return nil, err
	}
	s := &session{settings: settings, dir: dir}
	s.Client, err = fetch.New(&fetch.Options{
		Go: &settings, GoSum: sums, CacheDir: dir, Store: store, Offline: a.offline,
		MemoryBytes: -1, // nothing is asked for twice
		Trace:       &fetch.Trace{Commit: s.committed},
		Logger:      a.logger(),
	})
	if err != nil {
		return nil, fmt.Errorf("opening the cache and the sources: %w", err)
	}
	return s, nil
}

// settings are the user's go settings, with the sources of -goproxy.
func (a *app) settings(ctx context.Context) (fetch.GoSettings, error) {
	settings, err := fetch.ReadGoSettings(ctx)
	if ctx.Err() != nil {
		return settings, context.Cause(ctx)
	}
	if err != nil && settings == (fetch.GoSettings{}) && !a.offline {
		// Whoever is named by -goproxy would learn of modules that are private by
		// settings which could not be read.
		return settings, fmt.Errorf("%w: see that \"go env\" works, for without it nobody knows which modules are private", err)
	}
	if a.goproxy != "" {
		settings.GOPROXY = a.goproxy
		if _, parseErr := upstream.ParseGOPROXY(a.goproxy); parseErr != nil {
			return settings, usagef("-goproxy: %w", parseErr)
		}
	}
	if err != nil && settings.GOPROXY == "" && !a.offline {
		return settings, err
	}
	return settings, nil
}

func (a *app) cacheDir() (string, error) {
	if a.cache != "" {
		return filepath.Abs(a.cache)
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("finding the cache's directory: %w; name one with -cache", err)
	}
	return filepath.Join(dir, "breakwater"), nil
}

// logger is for what happens to sources and store, which nobody asked about.
func (a *app) logger() *slog.Logger {
	if !a.verbose {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(a.Err, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// committed ends what fills the cache when that is full. Of other files that could not
// be stored, Flush tells at the end: the Client hands them out all the same, but a
// command that is to fill the cache has failed.
func (s *session) committed(_ context.Context, c fetch.Commit) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.full != nil && isFull(c.Err) {
		s.full(fmt.Errorf("storing %s: %w", c.Request.Key(), c.Err))
	}
}
