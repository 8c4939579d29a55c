package breaker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
)

// DefaultProbeModule is the module that sources are probed with: a public one,
// small, and of long standing.
const DefaultProbeModule = "golang.org/x/mod"

// longestEvery keeps the jitter of a nonsensical interval from making it negative.
const longestEvery = 365 * 24 * time.Hour

// ProbeOptions says how sources are probed. A nil *ProbeOptions and zero fields
// mean the defaults.
type ProbeOptions struct {
	// Every is the time between two probes of a source, give or take a fifth.
	// Default: 30 s, also for a negative one.
	Every time.Duration

	// Timeout bounds a probe. Default: 5 s, also for a negative one.
	Timeout time.Duration

	// Module is the path of the module whose list of versions is asked for. All
	// sources are asked, so it must not be a private one. That a source does not
	// have it is a good answer, too. Default: [DefaultProbeModule].
	Module string
}

func (o *ProbeOptions) withDefaults() ProbeOptions {
	var opts ProbeOptions
	if o != nil {
		opts = *o
	}
	opts.Every = min(cmp.Or(max(0, opts.Every), 30*time.Second), longestEvery)
	opts.Timeout = cmp.Or(max(0, opts.Timeout), 5*time.Second)
	opts.Module = cmp.Or(opts.Module, DefaultProbeModule)
	return opts
}

// A Prober asks each of some sources for a list of versions from time to time,
// at low priority: so it is known how they fare while nobody else asks, one that
// is out comes back before a caller has to try it, and one whose lists are behind
// the others' is found out. Its methods may be called by many goroutines at once.
type Prober struct {
	sources []upstream.Upstream
	opts    ProbeOptions
	stop    context.CancelFunc
	done    chan struct{}

	mu   sync.Mutex
	seen []probed // by source
}

var errProbeTimeout = errors.New("no answer to a probe in time")

// probed is what a source said last.
type probed struct {
	at       time.Time
	err      error
	versions []string
}

// NewProber begins to probe sources, each of which should be behind [Circuit]. One
// that is nil is not probed, and keeps the place of one that may not be asked for
// the Module. The caller closes the Prober. The error is that the options' Module is no
// module path.
func NewProber(sources []upstream.Upstream, opts *ProbeOptions) (*Prober, error) {
	o := opts.withDefaults()
	if _, err := upstream.NewRequest(upstream.List, o.Module, ""); err != nil {
		return nil, fmt.Errorf("the module to probe with: %s", err) // of which it is not a failure
	}
	p := &Prober{
		sources: slices.Clone(sources), opts: o, done: make(chan struct{}),
		seen: make([]probed, len(sources)),
	}
	ctx, stop := context.WithCancel(context.Background())
	p.stop = stop
	go p.run(upstream.WithLastResort(upstream.WithPriority(ctx, func() upstream.Priority { return upstream.Background })))
	return p, nil
}

// Close ends the probes under way and waits for them. Closing again does
// nothing.
func (p *Prober) Close() {
	p.stop()
	<-p.done
}

func (p *Prober) run(ctx context.Context) {
	defer close(p.done)
	for {
		p.round(ctx)
		jittered := time.Duration((0.8 + 0.4*rand.Float64()) * float64(p.opts.Every))
		if !sleep(ctx, jittered) {
			return
		}
	}
}

// round probes all sources at once, each in its own time.
func (p *Prober) round(ctx context.Context) {
	var all sync.WaitGroup
	defer all.Wait()
	for i, source := range p.sources {
		if source == nil {
			continue
		}
		all.Go(func() {
			ctx, cancel := context.WithTimeoutCause(ctx, p.opts.Timeout, errProbeTimeout)
			defer cancel()
			list, err := upstream.ReadList(ctx, source, p.opts.Module)
			versions := []string{}
			for _, listed := range list {
				versions = append(versions, listed.Version)
			}
			p.learn(i, probed{time.Now(), err, versions})
		})
	}
}

func (p *Prober) learn(i int, what probed) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case what.err == nil:
	case upstream.ClassOf(what.err) == upstream.NotFound:
		what.versions = []string{} // which is all of the others' that it lacks
	default:
		what.versions = p.seen[i].versions // the last that is known
	}
	p.seen[i] = what
}

// Missing returns how many versions are on the last lists of other sources and
// not on that of a source, by its index; ok is false if it has never given one.
func (p *Prober) Missing(source int) (missing int, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	own := p.seen[source].versions
	if own == nil {
		return 0, false
	}
	others := map[string]bool{}
	for _, other := range p.seen {
		for _, v := range other.versions {
			others[v] = true
		}
	}
	for _, v := range own {
		delete(others, v)
	}
	return len(others), true
}

// Last returns when a source, by its index, was probed last, and what failed
// then; the time is zero before the first.
func (p *Prober) Last(source int) (at time.Time, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.seen[source].at, p.seen[source].err
}
