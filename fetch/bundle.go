package fetch

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"math"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/breakwater-go/breakwater/breaker"
	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/verify"
	"golang.org/x/mod/module"
)

// bundleWorkers is how many files of a bundle are fetched at once.
const bundleWorkers = 8

// bundleErrors is how many errors of files are told; the others are counted.
const bundleErrors = 100

// BundleFiles returns the files that a build needs whose go.sum files are those:
// the go.mod files and zips that are listed, and the .info files beside the zips.
func BundleFiles(sums *verify.GoSum) []upstream.Request {
	return withInfo(sums.Files())
}

// ModuleFiles returns the files of modules: the .info, the go.mod file and the
// zip of each. That a path or version is none, or a version is not canonical, is an
// error of class NotFound.
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
// Exporting into a bundle adds to it. A site that gets bundles time and again needs
// all of them to be exported into one directory, from which modules may have been
// removed meanwhile, but not what is in sumdb and .breakwater: by that it is proven
// that the checksum database has only grown since the bundle before, without which
// a store that knows the old state takes nothing of the new one.
//
// The error joins those of the first hundred files that could not be had; the
// others are in the bundle. What could not be stored, as on a full disk, is an
// [*UnstoredError], also if it is no file that was asked for but what proves one. What
// is there is not fetched again by another call, after an interruption too. What
// nobody vouches for is not exported, whatever Options.WhenReachable says.
func (c *Client) Export(ctx context.Context, dir string, files []upstream.Request) error {
	opened, err := cache.OpenDisk(dir, nil)
	if err != nil {
		return err
	}
	disk := &bundleDisk{Disk: opened}
	bundle, err := c.core.Load().beside(c, disk)
	if err != nil {
		return errors.Join(err, disk.Close())
	}
	into := newBundleStore(bundle, disk)
	err = forEach(ctx, slices.Values(files), func(req upstream.Request) error { return into.fetch(ctx, req) })
	return errors.Join(err, bundle.Close(), disk.incomplete(), disk.Close())
}

// Import takes the module files of the bundle in dir into the store, and returns
// how many there were. Each is verified as any source's answer is, by what the
// bundle itself or the store has of the checksum database; what does not pass is
// in the error, as for Export, and is not taken, whatever becomes of the others. One
// that passes and that the store does not take is an [*UnstoredError].
// Modules that have a source of their own here (Options.Private, GONOPROXY), or are
// claimed, are taken only where Options.GoSum or Options.Verifier vouches for them. A
// store that only reads takes nothing: the error is [cache.ErrReadOnly].
func (c *Client) Import(ctx context.Context, dir string) (int, error) {
	if w, ok := c.store.(cache.Writability); ok && !w.Writable() {
		return 0, fmt.Errorf("importing a bundle: %w", cache.ErrReadOnly)
	}
	root, err := os.OpenRoot(dir) // whatever links are in it
	if err != nil {
		return 0, fmt.Errorf("reading the bundle: %w", err)
	}
	defer root.Close()
	now := c.core.Load()
	from, err := now.beside(upstream.FS(dir, root.FS()), c.store)
	if err != nil {
		return 0, err
	}
	into := newBundleStore(from, c.store)
	var files bundled
	err = forEach(ctx, files.in(root.FS()), func(req upstream.Request) error {
		if err := now.refuse(req); err != nil {
			return err
		}
		if now.isOwn(req) && !now.isVouchedFor(req) {
			return &upstream.Error{Class: upstream.Denied, Request: req, Err: errUnproven}
		}
		return files.tell(req, into.fetch(ctx, req))
	})
	return files.n, errors.Join(files.err, err, files.explain(), from.Close())
}

// beside returns a Client like this core's, with another source or another store,
// that asks nobody but the source, and takes nothing unverified. It asks once, and
// goes on asking: a directory does not get better by waiting, a Client waits itself,
// and a file that fails says nothing of another.
func (c *core) beside(source upstream.Upstream, store cache.Store) (*Client, error) {
	o := c.opts
	o.Upstream, o.Store, o.Probe, o.Offline, o.closed = source, store, nil, false, true
	o.Private, o.Claimed, o.WhenReachable, o.Middleware = nil, "", false, nil // source is none of the user's
	o.Retry = &breaker.RetryOptions{Tries: 1}
	o.Circuit = &breaker.CircuitOptions{ConsecutiveFailures: math.MaxUint32, FailureRate: -1, MaxHoldOff: -1}
	o.Go = &GoSettings{GOSUMDB: c.sumDBSetting, GONOSUMDB: c.noSumDB}
	return New(&o)
}

// bundled is what was found in a tree.
type bundled struct {
	n        int
	err      error       // why there may be more
	unproven atomic.Bool // the checksum database's part does not go with ours
}

var errNoProof = errors.New("the bundle lacks what proves it by the checksum database's state that is known here: " +
	"it must be exported into the directory of the bundles that were imported before")

// tell takes note of a file's outcome. A go.mod file that is damaged is not
// "unavailable"; one that cannot be verified is. One that could not be stored says
// nothing of the bundle.
func (b *bundled) tell(req upstream.Request, outcome error) error {
	if _, ok := errors.AsType[*UnstoredError](outcome); ok {
		return outcome
	}
	if outcome != nil && req.Kind() == upstream.Mod && upstream.ClassOf(outcome) == upstream.Unavailable {
		b.unproven.Store(true)
	}
	return outcome
}

// explain returns what the outcomes have in common.
func (b *bundled) explain() error {
	if b.unproven.Load() {
		return errNoProof
	}
	return nil
}

// in yields the requests for the module files in a tree, as they are found: there
// may be any number of them.
func (b *bundled) in(tree fs.FS) iter.Seq[upstream.Request] {
	return func(yield func(upstream.Request) bool) {
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
			if err != nil || !req.Immutable() || req.Kind().SumDB() {
				return nil // whatever else lies there, or can change
			}
			b.n++
			if !yield(req) {
				return fs.SkipAll
			}
			return nil
		})
		if err != nil {
			b.err = fmt.Errorf("reading the bundle: %w", err)
		}
	}
}

// forEach calls do for all files, a few at once, and joins the errors.
func forEach(ctx context.Context, files iter.Seq[upstream.Request], do func(upstream.Request) error) error {
	todo := make(chan upstream.Request)
	var failed failures
	var workers sync.WaitGroup
	for range bundleWorkers {
		workers.Go(func() {
			for req := range todo {
				failed.add(do(req))
			}
		})
	}
	for req := range files {
		if ctx.Err() != nil {
			break
		}
		todo <- req
	}
	close(todo)
	workers.Wait()
	return failed.join(context.Cause(ctx))
}

// failures are the first errors of many.
type failures struct {
	mu    sync.Mutex
	first []error
	more  int
}

func (f *failures) add(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case err == nil:
	case len(f.first) < bundleErrors:
		f.first = append(f.first, err)
	default:
		f.more++
	}
}

// join joins them with one that comes last.
func (f *failures) join(last error) error {
	if f.more > 0 {
		f.first = append(f.first, fmt.Errorf("and %d more files failed", f.more))
	}
	return errors.Join(append(f.first, last)...)
}
