package inspect

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/breakwater-go/breakwater/verify"
)

// Options says what a tree is compared with.
type Options struct {
	// Verifier vouches for files: a checksum database, go.sum files, or both by
	// verify.Sequence. It is asked about each file, by several goroutines, and is
	// expected to remember what it learnt. There must be one.
	Verifier verify.Verifier

	// Jobs is how many files are looked at at once. Most of the time is spent
	// waiting for the Verifier, if that asks a network: zips are hashed on all cores
	// anyway. Default: 8.
	Jobs int

	// GoSum decides about what it lists before Exempt and the Verifier do: of private
	// modules nobody else knows what they must be. Default: none.
	GoSum *verify.GoSum

	// Exempt reports whether the Verifier must not be asked about a module path, as
	// GONOSUMDB says. It is not called for Go toolchains, which no pattern exempts.
	// Default: none is exempt.
	Exempt func(path string) bool

	// Progress is called with each finding, also those that are OK, by the goroutine
	// that called Tree. Default: nobody is told.
	Progress func(Finding)
}

// A NoModulesError says that a directory holds nothing that could be verified.
type NoModulesError struct {
	Dir        string
	Unreadable int // of what is in it, and what it holds is not known
}

// Error says what is wanted.
func (e *NoModulesError) Error() string {
	unread := ""
	if e.Unreadable > 0 {
		unread = fmt.Sprintf(" that could be read (%d files and directories could not)", e.Unreadable)
	}
	return fmt.Sprintf("%s holds no module files%s: name a module cache (go env GOMODCACHE), a cache directory of Breakwater's, "+
		"an unpacked bundle, or a directory that is laid out as a module proxy", e.Dir, unread)
}

// Tree verifies all module files in dir. That files are bad is no error: it is in
// the Report. The error says that dir could not be read, is a [*NoModulesError], or
// is ctx's; then the Report is nil, or of what was verified before.
//
// The tree is walked while files are verified, and never in memory as a whole. What
// changes in it meanwhile may be found bad: no lock is taken.
func Tree(ctx context.Context, dir string, opts *Options) (*Report, error) {
	o := *opts
	if o.Verifier == nil {
		return nil, fmt.Errorf("verifying %s: there is nothing to verify it against: name a checksum database or a go.sum file", dir)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("verifying a directory: %w", err)
	}
	defer root.Close()
	w := newWalker(root)
	j := &judge{opts: o, root: root, downloads: w.downloads}
	report := &Report{}
	for f := range j.all(ctx, w, cmp.Or(max(o.Jobs, 0), 8)) {
		report.add(f)
		if o.Progress != nil {
			o.Progress(f)
		}
	}
	switch {
	case ctx.Err() != nil:
		return report, context.Cause(ctx)
	case w.err != nil:
		return report, fmt.Errorf("verifying a directory: %w", w.err)
	case w.found == 0:
		return report, &NoModulesError{Dir: dir, Unreadable: report.Unreadable}
	}
	return report, nil
}

// all sends a finding of each file that the walker finds. The channel is closed
// when all goroutines have ended; it must be read until then.
func (j *judge) all(ctx context.Context, w *walker, jobs int) <-chan Finding {
	found, findings := make(chan subject), make(chan Finding)
	var workers sync.WaitGroup
	workers.Go(func() {
		defer close(found)
		w.walk(ctx, found, findings)
	})
	for range jobs {
		workers.Go(func() {
			for s := range found {
				if f := j.find(ctx, s); ctx.Err() == nil { // else it may say that there was no time
					findings <- f
				}
			}
		})
	}
	go func() {
		workers.Wait()
		close(findings)
	}()
	return findings
}

var (
	errLink      = errors.New("a symbolic link to what is no file of this directory: it is not followed")
	errIrregular = errors.New("not a regular file")
)
