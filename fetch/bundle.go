package fetch

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/verify"
	"golang.org/x/mod/module"
)

// bundleWorkers is how many files of a bundle are fetched at once.
const bundleWorkers = 8

// BundleFiles returns the files that a build needs whose go.sum files are those:
// the go.mod files and zips that are listed, and the .info files beside the zips.
func BundleFiles(sums *verify.GoSum) []upstream.Request {
	return withInfo(sums.Files())
}

// ModuleFiles returns the files of modules: the .info, the go.mod file and the
// zip of each.
func ModuleFiles(modules ...module.Version) ([]upstream.Request, error) {
	var files []upstream.Request
	for _, m := range modules {
		for _, k := range []upstream.Kind{upstream.Mod, upstream.Zip} {
			req, err := upstream.NewRequest(k, m.Path, m.Version)
			if err != nil {
				return nil, err
			}
			files = append(files, req)
		}
	}
	return withInfo(files), nil
}

func withInfo(files []upstream.Request) []upstream.Request {
	var all []upstream.Request
	for _, req := range files {
		all = append(all, req)
		if req.Kind() != upstream.Zip {
			continue
		}
		if info, err := upstream.NewRequest(upstream.Info, req.Module(), req.Version()); err == nil {
			all = append(all, info)
		}
	}
	return all
}

// Export writes files, fetched where the store does not have them, into the
// directory dir, which is made: a bundle for those who have no network. It is laid
// out as a module proxy, so that the go command can use it as GOPROXY=file://DIR
// with its default settings: what proves the files to be those that the checksum
// database knows is in it. [Client.Import] takes it into another Client's store.
// Exporting into a bundle adds to it.
//
// The error joins those of all files that could not be had; the others are in the
// bundle.
func (c *Client) Export(ctx context.Context, dir string, files []upstream.Request) error {
	disk, err := cache.OpenDisk(dir, nil)
	if err != nil {
		return err
	}
	bundle, err := c.core.Load().beside(c, disk)
	if err != nil {
		return errors.Join(err, disk.Close())
	}
	err = forEach(ctx, files, func(req upstream.Request) error { return fetchInto(ctx, bundle, disk, req) })
	return errors.Join(err, bundle.Close(), disk.Close())
}

// Import takes the module files of the bundle in dir into the store, and returns
// how many there were. Each is verified as any source's answer is, by what the
// bundle itself or the store has of the checksum database; what does not pass is
// in the error, and is not taken.
func (c *Client) Import(ctx context.Context, dir string) (int, error) {
	root, err := os.OpenRoot(dir) // whatever links are in it
	if err != nil {
		return 0, fmt.Errorf("reading the bundle: %w", err)
	}
	defer root.Close()
	files, err := bundled(root.FS())
	if err != nil {
		return 0, fmt.Errorf("reading the bundle: %w", err)
	}
	from, err := c.core.Load().beside(upstream.FS(dir, root.FS()), c.store)
	if err != nil {
		return 0, err
	}
	err = forEach(ctx, files, func(req upstream.Request) error { return fetchInto(ctx, from, c.store, req) })
	return len(files), errors.Join(err, from.Close())
}

// beside returns a Client like this core's, with another source or another store,
// that asks nobody but the source.
func (c *core) beside(source upstream.Upstream, store cache.Store) (*Client, error) {
	o := c.opts
	o.Upstream, o.Store, o.Probe, o.Offline, o.closed = source, store, nil, false, true
	o.Go = &GoSettings{GOSUMDB: c.sumDBSetting, GONOSUMDB: c.noSumDB}
	return New(&o)
}

// bundled returns the requests for the module files in a tree that cannot change.
func bundled(tree fs.FS) ([]upstream.Request, error) {
	var files []upstream.Request
	err := fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && name != "." && strings.HasPrefix(name, "."):
			return fs.SkipDir
		case !d.Type().IsRegular():
			return nil
		}
		req, err := upstream.ParsePath("/" + name)
		if err == nil && req.Immutable() && !req.Kind().SumDB() {
			files = append(files, req)
		}
		return nil // whatever else lies there
	})
	return files, err
}

// fetchInto has f fetch a file into its store, and sees that it is there.
func fetchInto(ctx context.Context, f Fetcher, store cache.Store, req upstream.Request) error {
	resp, err := f.Fetch(ctx, req)
	if err != nil {
		return err
	}
	resp.Body.Close()
	e, err := store.Get(ctx, req.Key())
	if err != nil {
		return fmt.Errorf("%s was fetched and could not be stored: %w", req.Key(), err)
	}
	return e.Body.Close()
}

// forEach calls do for all files, a few at once, and joins the errors.
func forEach(ctx context.Context, files []upstream.Request, do func(upstream.Request) error) error {
	todo := make(chan upstream.Request)
	var mu sync.Mutex
	var errs []error
	var workers sync.WaitGroup
	for range bundleWorkers {
		workers.Go(func() {
			for req := range todo {
				if err := do(req); err != nil {
					mu.Lock()
					errs = append(errs, err)
					mu.Unlock()
				}
			}
		})
	}
	for _, req := range files {
		if ctx.Err() != nil {
			break
		}
		todo <- req
	}
	close(todo)
	workers.Wait()
	if ctx.Err() != nil {
		errs = append(errs, context.Cause(ctx))
	}
	return errors.Join(errs...)
}
