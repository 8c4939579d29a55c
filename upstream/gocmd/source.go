package gocmd

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/breakwater-go/breakwater/upstream"
)

// A Source gets modules directly from version control, with the go command and
// git. It is an [upstream.Upstream]; its methods may be called by many
// goroutines at once. It must be closed.
type Source struct {
	opts  *settings
	guard *guard
	web   *web
	proxy *proxy
	files *scratch // everything that is written
	shelf *shelf
	turns *turns

	closing context.Context // ends with Close, whose cause is errClosed
	close   context.CancelCauseFunc

	mu      sync.Mutex
	closed  bool
	running sync.WaitGroup
}

var (
	errClosed  = errors.New("the source was closed")
	errTimeout = errors.New("the go command took longer than " + option("Timeout"))
	errZero    = errors.New("the zero Request asks for nothing")
	errQuery   = errors.New("not a module or version query that version control can answer")
	errSumDB   = errors.New("version control has no checksum database")
)

// New makes a Source; nil means the default options. It fails if an option is
// not as it should be, and with [ErrNoCommand] if there is no go command or no
// git. In the background it removes what Sources of processes that died have
// left in Options.Dir, for at most a minute.
func New(opts *Options) (*Source, error) {
	settings, err := opts.settings()
	if err != nil {
		return nil, err
	}
	g := newGuard(settings)
	w := newWeb(g, settings)
	p, err := newProxy(g, w)
	if err != nil {
		return nil, err
	}
	files, err := newScratch(settings.Dir)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("gocmd: Dir: %w", err), p.Close())
	}
	s := &Source{
		opts: settings, guard: g, web: w, proxy: p, files: files,
		shelf: &shelf{most: shelfMost, idle: shelfIdle},
		turns: newTurns(settings.Concurrency),
	}
	s.closing, s.close = context.WithCancelCause(context.Background())
	s.running.Go(func() { sweep(s.closing, settings.Dir) })
	return s, nil
}

// Name returns the name for errors and statistics.
func (s *Source) Name() string { return s.opts.Name }

// Part returns the host that the module's path begins with, in lower case: one
// that is down, or hangs, is no reason to leave the others alone. It is empty for
// what names no module. Where a page at that host leads to is not known before
// it is asked. See [upstream.Parted].
func (s *Source) Part(req upstream.Request) string { return moduleHost(req) }

// Close ends all commands, waits until nothing is left of them, and removes all
// files. The body of a zip that is still being read stays readable where the
// system lets open files be removed. Fetch fails from now on, with class
// [upstream.Canceled].
func (s *Source) Close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.close(errClosed)
	s.running.Wait()
	s.shelf.close()
	err := s.proxy.Close()
	return errors.Join(err, s.files.remove())
}

// begin counts a call, unless the Source is closed.
func (s *Source) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.running.Add(1)
	}
	return !s.closed
}

// Fetch gets what req asks for. It waits for its turn, and for the go command,
// no longer than ctx lasts; for an [upstream.Progress] all of that is waiting for
// its turn. The body of a zip is a file that takes room on the disk until it is
// closed.
func (s *Source) Fetch(ctx context.Context, req upstream.Request) (*upstream.Response, error) {
	if ctx.Err() != nil {
		return nil, upstream.ContextError(ctx, req, s.Name())
	}
	if err := s.admit(ctx, req); err != nil {
		return nil, err
	}
	if !s.begin() {
		return nil, s.failed(req, upstream.Canceled, errClosed)
	}
	defer s.running.Done()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(s.closing, func() { cancel(errClosed) })()

	// A clone may take minutes, and nothing tells one that comes along from one
	// that hangs. So the call counts as queued until its end: else races would
	// ask somebody beside it, and circuits take it for silence. Who hangs is
	// found by Options.Timeout.
	upstream.ProgressOf(ctx).Queued()
	giveBack, err := s.turns.take(ctx, moduleHost(req), req.Module())
	if err != nil {
		return nil, upstream.ContextError(ctx, req, s.Name())
	}
	defer giveBack()
	resp, err := s.fetch(ctx, req)
	if err != nil {
		return nil, err
	}
	upstream.ProgressOf(ctx).FirstByte()
	return resp, nil
}

func (s *Source) failed(req upstream.Request, class upstream.Class, err error) *upstream.Error {
	return &upstream.Error{Class: class, Request: req, Source: s.Name(), Err: err}
}

// admit answers what needs no command, and refuses what no command may be run
// for.
func (s *Source) admit(ctx context.Context, req upstream.Request) error {
	switch {
	case req.Kind() == 0:
		return s.failed(req, upstream.Unavailable, errZero)
	case req.Kind().SumDB():
		return s.failed(req, upstream.NotFound, errSumDB)
	case !s.opts.vcs.allow(req.Module(), s.opts.isPrivate(req.Module())):
		return s.failed(req, upstream.Denied, errVCS)
	case !askable(req):
		return s.failed(req, upstream.NotFound, errQuery)
	case upstream.Offline(ctx):
		return s.failed(req, upstream.Unavailable, upstream.ErrOffline)
	}
	if r := s.guard.checkModule(moduleHost(req)); r != nil {
		return s.failed(req, upstream.Denied, r)
	}
	return nil
}

// askable reports whether the go command takes the request for a question about
// one module, outside of any module.
func askable(req upstream.Request) bool {
	if strings.Contains(req.Module(), "...") || strings.Contains(req.Version(), "...") {
		return false // a pattern
	}
	switch v := req.Version(); v {
	case "none", "upgrade", "patch":
		return false // about what a main module requires
	default:
		return !strings.HasPrefix(v, "-")
	}
}

// fetch runs the go command for req in a workspace.
func (s *Source) fetch(ctx context.Context, req upstream.Request) (*upstream.Response, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, s.opts.Timeout, errTimeout)
	defer cancel()
	w, err := s.workspace(req.Module())
	if err != nil {
		return nil, s.failed(req, upstream.Unavailable, err)
	}
	resp, clean, err := s.fetchIn(ctx, req, w)
	if !clean { // what was interrupted leaves locks and half a repository
		w.remove()
	} else {
		s.shelf.put(w)
	}
	return resp, err
}

// workspace returns one that is the caller's, ready for a command.
func (s *Source) workspace(module string) (*workspace, error) {
	w := s.shelf.take(module, s.opts.isPrivate(module))
	if w == nil {
		return newWorkspace(s.files.dir, module, s.opts)
	}
	if err := w.reset(); err != nil {
		w.remove()
		return nil, err
	}
	return w, nil
}

// fetchIn also reports whether the workspace may be used again.
func (s *Source) fetchIn(ctx context.Context, req upstream.Request, w *workspace) (resp *upstream.Response, clean bool, err error) {
	ses := newSession(ctx, s.opts, req.Module())
	s.proxy.open(ses)
	out := s.run(ctx, w, ses, arguments(req))
	s.proxy.close(ses)

	d, ok := describe(out)
	if ok && out.err == nil && d.failure() == "" || out.exited && hasZip(req, w) {
		if err = checkRuns(readRuns(w.events()), out); err == nil {
			resp, err = s.answer(req, d, w)
		}
		if err != nil {
			return nil, false, s.failed(req, upstream.Unavailable, err)
		}
		w.root = repositoryRoot(req.Module(), d.Origin)
		return resp, out.err == nil, nil
	}
	if ctx.Err() != nil {
		return nil, false, upstream.ContextError(ctx, req, s.Name())
	}
	j := &judge{source: s, ws: w, ses: ses, req: req, out: out, about: d}
	j.told = ok && out.exited && d.failure() != ""
	v := j.verdict(ctx)
	if ctx.Err() != nil { // it had to ask somebody
		return nil, false, upstream.ContextError(ctx, req, s.Name())
	}
	return nil, false, &upstream.Error{
		Class: v.class, Request: req, Source: s.Name(), Status: v.status, Err: v.cause, Text: j.said(),
	}
}
