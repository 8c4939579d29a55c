// Package download fetches the modules of a manifest into a Client's store, a few
// at once, and shows on a display how that comes along.
//
// What the store has already is not fetched again, so that an interrupted run goes
// on where it was when it is begun anew. One module's failure stops no other.
package download

import (
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/breakwater-go/breakwater/examples/modget/internal/display"
	"github.com/breakwater-go/breakwater/examples/modget/internal/manifest"
	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/verify"
	"golang.org/x/mod/module"
)

// DefaultJobs is how many modules are fetched at once where nobody says otherwise.
const DefaultJobs = 8

// Got is what came of a manifest.
type Got struct {
	Modules []module.Version // whose .info, go.mod and zip are at hand
	Mods    []module.Version // whose go.mod file is
	Infos   []module.Version // whose .info is, beside those of Modules
	Errs    []error          // of those that are not; the display has told them
	Sums    *verify.GoSum    // that decided about them, beside the checksum database
}

// Run fetches what want asks for, jobs modules at once (0: [DefaultJobs]), and
// returns what is at hand then. It returns early, with the rest missing and
// without errors for it, when ctx ends.
func Run(ctx context.Context, f fetch.Fetcher, want manifest.Manifest, show *display.Display, jobs int) Got {
	if jobs <= 0 {
		jobs = DefaultJobs
	}
	r := &run{fetcher: f, show: show, got: Got{Sums: want.Sums}}
	show.Expect(len(want.Modules) + len(want.Queries))
	// go.mod files come first: they are small, many, and what a build asks for first.
	each(ctx, jobs, want.Mods, r.mod)
	each(ctx, jobs, want.Modules, r.module)
	each(ctx, jobs, want.Queries, r.query)
	each(ctx, 3*jobs, r.mentioned(ctx, want), r.info) // a module is three files, too
	r.lacking.tell(show)
	module.Sort(r.got.Modules)
	module.Sort(r.got.Mods)
	module.Sort(r.got.Infos)
	return r.got
}

type run struct {
	fetcher fetch.Fetcher
	show    *display.Display

	mu      sync.Mutex
	got     Got
	fresh   bool // whether anything came from a source
	lacking lacking
}

// module fetches all of a module version.
func (r *run) module(ctx context.Context, m module.Version) {
	item := r.show.Begin(m)
	result := whole(ctx, r.fetcher, m, item)
	item.Done(result)
	r.note(ctx, m, result)
}

// query fetches the version that a query stands for.
func (r *run) query(ctx context.Context, q manifest.Query) {
	item := r.show.Begin(module.Version{Path: q.Path, Version: q.Query})
	item.Waiting(func() string { return "resolving" })
	info, err := fetch.Resolve(ctx, r.fetcher, q.Path, q.Query)
	if err != nil {
		result := display.Result{Err: err}
		item.Done(result)
		r.note(ctx, module.Version{}, result)
		return
	}
	m := module.Version{Path: q.Path, Version: info.Version}
	result := whole(ctx, r.fetcher, m, item)
	result.Version = m.Version
	item.Done(result)
	r.note(ctx, m, result)
}

// note takes note of what became of a module. Who was interrupted has not failed.
func (r *run) note(ctx context.Context, m module.Version, result display.Result) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case result.Err == nil:
		r.fresh = r.fresh || !result.Cached
		r.got.Modules = append(r.got.Modules, m)
	case ctx.Err() == nil:
		r.got.Errs = append(r.got.Errs, result.Err)
	}
}

// whole fetches the three files of a module version at once, so that they share the
// wait and the connections. What it returns is of the zip, and cached only if all are.
func whole(ctx context.Context, f fetch.Fetcher, m module.Version, item *display.Item) display.Result {
	requests, err := fetch.ModuleFiles(m)
	if err != nil {
		return display.Result{Err: err}
	}
	ctx = verify.WithArrivals(ctx, func(a verify.Arrival) { item.Arriving(a.Source, a.Size, a.Spool.Size) })
	results := make([]display.Result, len(requests))
	var files sync.WaitGroup
	for i, req := range requests {
		ctx := ctx
		if req.Kind() == upstream.Zip {
			ctx = watched(ctx, item)
		}
		files.Go(func() { results[i] = file(ctx, f, req) })
	}
	files.Wait()
	all := display.Result{Cached: true}
	var errs []error
	for i, r := range results {
		all.Cached = all.Cached && r.Cached
		if requests[i].Kind() == upstream.Zip {
			all.Bytes, all.Source, all.Verified = r.Bytes, r.Source, r.Verified
		}
		if r.Err != nil {
			errs = append(errs, r.Err)
		}
	}
	all.Err = gravest(errs)
	return all
}

// watched returns a context with which item shows what its zip waits for: a turn of its
// own, by the bounds on what a source is asked at once, or the source's answer.
func watched(ctx context.Context, item *display.Item) context.Context {
	ctx, progress := upstream.WithProgress(ctx)
	item.Waiting(func() string {
		if progress.Waited() == 0 {
			return "queued"
		}
		return "asking"
	})
	return ctx
}

func file(ctx context.Context, f fetch.Fetcher, req upstream.Request) display.Result {
	resp, err := f.Fetch(ctx, req)
	if err != nil {
		return display.Result{Err: err}
	}
	resp.Body.Close()
	by, _, _ := strings.Cut(resp.Verified, " h1:") // which hash it was is in the go.sum
	return display.Result{Bytes: resp.Size, Source: resp.Source, Cached: resp.Cached, Verified: by}
}

// gravest returns the error that says most: three files of a version that does not
// exist are one piece of news.
func gravest(errs []error) error {
	for _, class := range []upstream.Class{upstream.Untrusted, upstream.Denied, upstream.NotFound} {
		if i := slices.IndexFunc(errs, func(err error) bool { return upstream.ClassOf(err) == class }); i >= 0 {
			return errs[i]
		}
	}
	if len(errs) == 0 {
		return nil
	}
	return errs[0]
}

// each calls do for all of list, jobs at once, until ctx ends.
func each[T any](ctx context.Context, jobs int, list []T, do func(context.Context, T)) {
	todo := make(chan T)
	var workers sync.WaitGroup
	for range min(jobs, len(list)) {
		workers.Go(func() {
			for one := range todo {
				do(ctx, one)
			}
		})
	}
	for _, one := range list {
		if ctx.Err() != nil {
			break
		}
		todo <- one
	}
	close(todo)
	workers.Wait()
}
