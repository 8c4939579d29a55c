package cli

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
)

func isArchive(name string) bool { return strings.HasSuffix(name, ".tar") || isCompressed(name) }

func isCompressed(name string) bool {
	return strings.HasSuffix(name, ".tar.gz") || strings.HasSuffix(name, ".tgz")
}

// checkTarget finds what cannot become a bundle before anything is downloaded for it.
func checkTarget(to string) error {
	info, err := os.Stat(to)
	there := err == nil
	switch {
	case isArchive(to) && there && info.IsDir():
		return usagef("%s is a directory: name a file, or a directory with another name", to)
	case isArchive(to):
		if parent, err := os.Stat(filepath.Dir(to)); err != nil || !parent.IsDir() {
			return usagef("there is no directory %s to write a bundle into: make it, or name another", filepath.Dir(to))
		}
	case there && !info.IsDir() || !there && isNoDirectory(to):
		return usagef("%q is no name for a bundle: it is a directory, or a file that ends in .tar or .tar.gz", discreet(to))
	}
	return nil
}

// isNoDirectory reports whether a name that nothing has yet is meant for something
// other than a directory: an input in the wrong place, or an archive of another kind.
func isNoDirectory(name string) bool {
	suffixes := []string{".zip", ".gz", ".xz", ".zst", ".bz2", ".mod", ".sum", ".work", ".txt"}
	return name == "-" || strings.Contains(name, "@") || slices.Contains(suffixes, filepath.Ext(name))
}

const stagePrefix = ".modget-bundle-"

// stage makes a directory for what is not finished. What killed processes left there a
// day ago is removed: that this fails is nobody's failure, for it only takes room.
func stage(dir string) (string, error) {
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		info, err := e.Info()
		if err == nil && e.IsDir() && strings.HasPrefix(e.Name(), stagePrefix) && time.Since(info.ModTime()) > 24*time.Hour {
			os.RemoveAll(filepath.Join(dir, e.Name()))
		}
	}
	return os.MkdirTemp(dir, stagePrefix+"*")
}

// exportArchive writes the archive beside its place and renames it, so that it is
// there whole or not at all.
func (s *session) exportArchive(ctx context.Context, name string, files []upstream.Request) error {
	dir, err := stage(filepath.Dir(name))
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	tree, archive := filepath.Join(dir, "tree"), filepath.Join(dir, "archive")
	if err := s.Export(ctx, tree, files); err != nil {
		return err
	}
	out, err := os.Create(archive)
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { out.Close() }) // which ends the writing
	defer stop()
	if err := errors.Join(pack(out, tree, isCompressed(name)), out.Sync(), out.Close()); err != nil {
		return err
	}
	return os.Rename(archive, name)
}

func pack(out io.Writer, tree string, compressed bool) error {
	if !compressed {
		return fetch.WriteBundle(out, tree)
	}
	zipped, err := gzip.NewWriterLevel(out, gzip.BestSpeed) // nearly all of it is zips
	if err != nil {
		return err
	}
	return errors.Join(fetch.WriteBundle(zipped, tree), zipped.Close())
}

// unpacked returns the bundle as a directory, and what to call when it is not needed
// any more.
func (a *app) unpacked(ctx context.Context, bundle string, limits *fetch.BundleLimits) (dir string, remove func(), err error) {
	info, err := os.Stat(bundle)
	if err != nil {
		return "", nil, badInput(err)
	}
	if info.IsDir() {
		return bundle, func() {}, nil
	}
	cache, err := a.cacheDir()
	if err != nil {
		return "", nil, err
	}
	beside := filepath.Dir(cache) // where there must be room for it anyway
	if err := os.MkdirAll(beside, 0o777); err != nil {
		return "", nil, err
	}
	if dir, err = stage(beside); err != nil {
		return "", nil, err
	}
	remove = func() { os.RemoveAll(dir) }
	if err := unpack(ctx, bundle, dir, limits); err != nil {
		remove()
		return "", nil, err
	}
	return dir, remove, nil
}

func unpack(ctx context.Context, name, dir string, limits *fetch.BundleLimits) error {
	file, err := soon(ctx, func() (*os.File, error) { return os.Open(name) })
	if err != nil {
		return err
	}
	defer file.Close()
	stop := context.AfterFunc(ctx, func() { file.Close() }) // which ends the reading
	defer stop()
	err = readArchive(file, dir, isCompressed(name), limits)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return badArchive(name, err)
}

func readArchive(content io.Reader, dir string, compressed bool, limits *fetch.BundleLimits) error {
	if compressed {
		zipped, err := gzip.NewReader(content)
		if err != nil {
			return err
		}
		content = zipped
	}
	return fetch.ReadBundle(content, dir, limits)
}

// badArchive says what to do about an archive that could not be unpacked.
func badArchive(name string, err error) error {
	if err == nil {
		return nil
	}
	err = fmt.Errorf("unpacking %s: %w", name, err)
	if _, ok := errors.AsType[*fs.PathError](err); ok { // of this machine, such as a full disk
		return err
	}
	if errors.Is(err, fetch.ErrBundleTooLarge) {
		return usagef("%w: -max-bytes allows more, if you trust where it comes from", err)
	}
	return usagef("%w: it is no archive that \"modget bundle export\" has written, or it is damaged: have it made again", err)
}
