package download

import (
	"context"
	"fmt"
	"sync"

	"github.com/breakwater-go/breakwater/breaker"
	"github.com/breakwater-go/breakwater/examples/modget/internal/display"
	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
	"golang.org/x/mod/module"
)

// mod fetches a module version's go.mod file, and its .info beside it. There are many
// and they are small, so that one is only shown if the go.mod file fails. That the
// .info does is no failure: only who lists the whole graph has a use for it.
func (r *run) mod(ctx context.Context, m module.Version) {
	result, infoErr := modAndInfo(ctx, r.fetcher, m)
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case result.Err != nil && ctx.Err() != nil:
	case result.Err != nil:
		r.got.Errs = append(r.got.Errs, result.Err)
		r.show.Expect(1)
		r.show.Begin(m).Done(result)
	default:
		r.fresh = r.fresh || !result.Cached
		r.got.Mods = append(r.got.Mods, m)
		r.noteInfo(ctx, m, infoErr)
	}
}

// modAndInfo fetches both files at once, so that they share the wait. Sources that are
// down are waited for only where the go.mod file had to come from them, too: a user
// whose cache has all that a build needs must not be kept waiting for the rest.
func modAndInfo(ctx context.Context, f fetch.Fetcher, m module.Version) (mod display.Result, infoErr error) {
	req, err := upstream.NewRequest(upstream.Mod, m.Path, m.Version)
	if err != nil {
		return display.Result{Err: err}, nil
	}
	var info sync.WaitGroup
	info.Go(func() { _, infoErr = upstream.ReadInfo(breaker.WithoutWaiting(ctx), f, m.Path, m.Version) })
	mod = file(ctx, f, req)
	info.Wait()
	if mod.Err == nil && !mod.Cached && isOut(infoErr) {
		_, infoErr = upstream.ReadInfo(ctx, f, m.Path, m.Version)
	}
	return mod, infoErr
}

func isOut(err error) bool { return err != nil && upstream.ClassOf(err) == upstream.Unavailable }

// noteInfo takes note of what became of an .info file. The caller holds r.mu.
func (r *run) noteInfo(ctx context.Context, m module.Version, err error) {
	switch {
	case err == nil:
		r.got.Infos = append(r.got.Infos, m)
	case ctx.Err() == nil:
		r.lacking.add(m, err)
	}
}

// lacking are the .info files that are not at hand.
type lacking struct {
	n     int
	first module.Version
	why   error // of first
}

func (l *lacking) add(m module.Version, why error) {
	if l.n == 0 {
		l.first, l.why = m, why
	}
	l.n++
}

// tell says on one line which they are, and what that means.
func (l *lacking) tell(show *display.Display) {
	if l.n == 0 {
		return
	}
	more := ""
	if l.n > 1 {
		more = fmt.Sprintf(" and %d more", l.n-1)
	}
	show.Note(fmt.Sprintf("no .info file of %s%s, which builds do without but \"go list -m all\" does not: %s",
		l.first, more, display.Sentence(l.why)))
}
