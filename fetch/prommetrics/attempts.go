package prommetrics

import (
	"context"
	"errors"
	"strings"

	"github.com/breakwater-go/breakwater/breaker"
	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/prometheus/client_golang/prometheus"
)

// attempts counts calls to sources. The series of a source exist as soon as the source
// is known, and stay when Reconfigure has removed it, as calls to it may still be
// under way: a counter that goes and comes back would look as if it had been reset.
type attempts struct {
	ended     *prometheus.CounterVec
	took      *prometheus.HistogramVec
	firstByte *prometheus.HistogramVec
	bytes     *prometheus.CounterVec
	changes   *prometheus.CounterVec

	sources *handles[string, *source]
}

// A source has the series of one source.
type source struct {
	bytes prometheus.Counter
	lanes [upstream.Lanes]lane
}

type lane struct {
	ended           [results]prometheus.Counter
	changes         [upstream.Out + 1]prometheus.Counter
	took, firstByte prometheus.Observer
}

func (d *definer) attempts() attempts {
	return attempts{
		ended: d.counter("attempts_total",
			"Calls to a source that have ended, those that its open circuit refused included.", "source", "lane", "result"),
		took: d.histogram("attempt_duration_seconds",
			"Time until the answer of a source was here whole, or it was clear that there is none; not of what a circuit refused.", "source", "lane"),
		firstByte: d.histogram("attempt_first_byte_seconds",
			"Time that a source was waited for until its answer began, without our own queue.", "source", "lane"),
		bytes:   d.counter("attempt_bytes_total", "Size of the answers of a source.", "source"),
		changes: d.counter("circuit_changes_total", "Changes of the state of a source's circuit.", "source", "lane", "to"),
		sources: new(handles[string, *source]),
	}
}

func (a *attempts) source(name string) *source { return a.sources.of(name, a.newSource) }

func (a *attempts) newSource(name string) *source {
	name = text(name)
	s := &source{bytes: a.bytes.WithLabelValues(name)}
	for l := range upstream.Lane(upstream.Lanes) {
		in := word(l.String())
		one := &s.lanes[l]
		one.took, one.firstByte = a.took.WithLabelValues(name, in), a.firstByte.WithLabelValues(name, in)
		for r := range results {
			one.ended[r] = a.ended.WithLabelValues(name, in, r.String())
		}
		for to := range upstream.Out + 1 {
			one.changes[to] = a.changes.WithLabelValues(name, in, word(to.String()))
		}
	}
	return s
}

// expect has the series of sources exist.
func (a *attempts) expect(sources []fetch.SourceStats) {
	for _, s := range sources {
		a.source(s.Source)
	}
}

// start makes a source known before its circuit can change.
func (a *attempts) start(ctx context.Context, e fetch.AttemptStart) context.Context {
	a.source(e.Source)
	return ctx
}

func (a *attempts) end(_ context.Context, e upstream.Attempt) {
	s := a.source(e.Source)
	in := &s.lanes[e.Request.Kind().Lane()]
	r := resultOf(e)
	in.ended[r].Inc()
	s.bytes.Add(float64(max(0, e.Size)))
	if r == refused {
		return // at once, which says nothing of the source
	}
	in.took.Observe(e.Took.Seconds())
	if e.FirstByte > 0 {
		in.firstByte.Observe(e.FirstByte.Seconds())
	}
}

// circuitChange counts a change for the configured source. A source that is many
// servers has a circuit for each, named "source (host)", and the hosts are chosen by
// whoever asks for a module.
func (a *attempts) circuitChange(e breaker.CircuitChange) {
	if s := a.owner(e.Source); s != nil {
		s.lanes[e.Lane].changes[e.To].Inc()
	}
}

// owner returns the source that has a circuit of that name; nil for that of one that
// had been replaced before we began to observe.
func (a *attempts) owner(circuit string) *source {
	known := a.sources.all()
	if s, ok := known[circuit]; ok {
		return s
	}
	var owner *source
	longest := -1
	for name, s := range known {
		part, ok := strings.CutPrefix(circuit, name)
		if ok && len(name) > longest && strings.HasPrefix(part, " (") && strings.HasSuffix(part, ")") {
			owner, longest = s, len(name)
		}
	}
	return owner
}

// A result is what came of an attempt.
type result uint8

const (
	answered result = iota
	notFound
	denied
	timedOut
	unavailable
	untrusted
	overloaded
	canceled
	outpaced // another source was faster
	refused  // its circuit is open

	results // how many there are
)

func (r result) String() string {
	return [...]string{
		"answered", "not-found", "denied", "timeout", "unavailable", "untrusted", "overloaded", "canceled", "outpaced", "refused",
	}[r]
}

func resultOf(a upstream.Attempt) result {
	switch {
	case a.Outpaced:
		return outpaced
	case a.Err == nil:
		return answered
	case errors.Is(a.Err, breaker.ErrOpen):
		return refused
	}
	switch a.Err.Class {
	case upstream.NotFound:
		return notFound
	case upstream.Denied:
		return denied
	case upstream.Timeout:
		return timedOut
	case upstream.Untrusted:
		return untrusted
	case upstream.Overloaded:
		return overloaded
	case upstream.Canceled:
		return canceled
	}
	return unavailable
}
