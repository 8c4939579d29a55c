package verify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/upstream"
)

// memorySpool is how much of a small file is held in memory, in bytes.
const memorySpool = 1 << 20

// SpoolOptions tunes [Spooled]. A nil *SpoolOptions and zero fields mean the
// defaults.
type SpoolOptions struct {
	// New makes a spool: it is given how many bytes may stay in memory, and is
	// usually [cache.SpoolFor] of the store that will get the content.
	// Default: [cache.NewSpool].
	New func(memory int64) *cache.Spool

	// SlowRate is how slowly a body may arrive, in bytes per second, over a
	// SlowWindow. One that is slower is reported to the [upstream.Progress] in
	// the context, so that another source can be asked beside it; where there is
	// none, it goes on. Defaults: 64 KiB/s, over 2 s; negative: nothing is slow.
	SlowRate   int64
	SlowWindow time.Duration

	// DeadRate is the least that a body may arrive at, in bytes per second, over
	// a DeadWindow: below that it has broken off. Defaults: 512 bytes/s, over
	// 30 s; negative: nothing is dead.
	DeadRate   int64
	DeadWindow time.Duration

	// Resumes is how often a zip that breaks off goes on at the same source, as
	// long as each time brings something. Default: 5; negative: never.
	Resumes int
}

func (o *SpoolOptions) withDefaults() SpoolOptions {
	var opts SpoolOptions
	if o != nil {
		opts = *o
	}
	if opts.New == nil {
		opts.New = tempSpool
	}
	opts.SlowRate = cmp.Or(opts.SlowRate, 64<<10)
	opts.SlowWindow = cmp.Or(opts.SlowWindow, 2*time.Second)
	opts.DeadRate = cmp.Or(opts.DeadRate, 512)
	opts.DeadWindow = cmp.Or(opts.DeadWindow, 30*time.Second)
	opts.Resumes = cmp.Or(opts.Resumes, 5)
	return opts
}

// Spooled returns middleware that takes in a source's whole body before Fetch
// returns. The Body of its responses is a [*cache.SpoolReader] at the start of
// the finished content, and Size is its size.
//
// A body that is longer than [upstream.Kind.MaxSize] is the source's failure, and
// so is one that breaks off, that all but stands still, or that is not as long as
// announced. A zip that breaks off goes on where it was, once 64 KiB of it are here
// ([upstream.WithResumePoint]); what a source that cannot go on has left is for
// the next, where the context has a [Salvage]. A spool that cannot be written is
// no source's failure: that error names no Source.
//
// Spooled reports the first byte to the [upstream.Progress] in the context.
func Spooled(opts *SpoolOptions) upstream.Middleware {
	o := opts.withDefaults()
	return func(next upstream.Upstream) upstream.Upstream {
		return &spooled{next, o}
	}
}

func tempSpool(memory int64) *cache.Spool { return cache.NewSpool(memory) }

type spooled struct {
	next upstream.Upstream
	opts SpoolOptions
}

func (s *spooled) Unwrap() upstream.Upstream { return s.next }

func (s *spooled) Fetch(ctx context.Context, req upstream.Request) (*upstream.Response, error) {
	d := &download{ctx: ctx, req: req, source: s.next, opts: &s.opts, salvage: salvageOf(ctx, req)}
	if !spliceOf(ctx).isForbidden() {
		d.resumes = s.opts.Resumes
	}
	defer d.close()
	return d.run()
}

var errNoResponse = errors.New("it returned neither a response with a body nor an error")

// notKept is the error of our own failure, for which no source is to blame.
func notKept(req upstream.Request, err error) error {
	return &upstream.Error{Request: req, Err: fmt.Errorf("keeping the download: %w", err)}
}

var buffers = sync.Pool{New: func() any { b := make([]byte, 128<<10); return &b }}
