package upstream

import (
	"context"
	"errors"
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// Figures are measurements of one source in one lane since it was made.
type Figures struct {
	InFlight int // calls under way, those that wait for their turn included

	Answers  int64 // it had what was asked for
	NotFound int64 // it said that it does not exist
	Failures int64 // neither

	// Lacking counts the answers of NotFound to what another source had.
	Lacking int64

	// FirstByte is how long the source took to the first byte of an answer,
	// over the latest 64 answers. All are 0 before the first.
	FirstByte Percentiles

	// Average is a moving average of the same, in which failures count too, as
	// at least a second: a source that fails fast is not a fast source. It halves
	// each 10 s in which nothing is added to it.
	Average time.Duration

	// Rate is a moving average of how fast bodies of 64 KiB and more arrive, in
	// bytes per second; 0 before the first.
	Rate float64
}

// Percentiles are the times that so many of a hundred calls stayed within.
type Percentiles struct {
	Count    int           // of measurements; below about ten the others mean little
	P50, P95 time.Duration // half of them, and 95 of a hundred, took no longer
}

// Coverage returns the part of what is known to exist that the source had,
// from 0 to 1; it is 1 before the first answer.
func (f Figures) Coverage() float64 {
	if f.Answers+f.Lacking == 0 {
		return 1
	}
	return float64(f.Answers) / float64(f.Answers+f.Lacking)
}

// Meter returns middleware that measures one source, for the balance of
// [NewMirrors], the delays of [Hedge], and for people to see. It belongs directly
// inside the source's circuit, so that it sees only calls that are made, and
// around what takes in the body. [FiguresOf] reads it.
func Meter() Middleware {
	return func(next Upstream) Upstream { return &meter{next: next} }
}

type meter struct {
	next  Upstream
	lanes [Lanes]gauge

	// silent is set while calls wait for the source longer than usual and it has
	// answered none since.
	silent atomic.Bool
}

// FiguresOf returns the measurements of a source behind [Meter]; ok is false
// where there is none.
func FiguresOf(u Upstream, l Lane) (figures Figures, ok bool) {
	m, ok := As[*meter](u)
	if !ok {
		return Figures{}, false
	}
	return m.lanes[l].figures(), true
}

func (m *meter) Unwrap() Upstream { return m.next }

func (m *meter) Fetch(ctx context.Context, req Request) (*Response, error) {
	g := &m.lanes[req.Kind().Lane()]
	ctx, progress := WithProgress(ctx)
	g.begin()
	defer g.end()
	resp, err := m.next.Fetch(ctx, req)
	if progress.Begun() || err == nil || ctx.Err() == nil && ClassOf(err) != Timeout {
		m.silent.Store(false)
	}
	switch {
	case err == nil && resp != nil:
		progress.FirstByte() // if nobody inside has reported it
		g.answered(progress.Waited(), resp.Size, progress.sinceFirst())
	case ctx.Err() != nil:
		g.departed(ctx, progress)
	default:
		g.failed(ClassOf(err), progress.Waited())
	}
	return resp, err
}

// gauge is what is measured in one lane.
type gauge struct {
	mu       sync.Mutex
	now      Figures
	first    window
	average  ewma
	averaged time.Time // when the average was last fed
	rate     ewma
}

// ewma is an exponentially weighted moving average: each new value has the
// weight 1/5, so that about ten values make it forget what was before.
type ewma float64

func (e *ewma) add(v float64) {
	if *e == 0 {
		*e = ewma(v)
		return
	}
	*e += ewma(0.2 * (v - float64(*e)))
}

const (
	// failurePenalty is the least that a failure counts for in the average.
	failurePenalty = time.Second

	// minRateSize is the least size of a body that says something of a rate.
	minRateSize = 64 << 10
)

func (g *gauge) begin() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.now.InFlight++
}

func (g *gauge) end() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.now.InFlight--
}

func (g *gauge) answered(first time.Duration, size int64, body time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.now.Answers++
	g.first.add(first)
	g.feed(first)
	if size >= minRateSize && body > 0 {
		g.rate.add(float64(size) / body.Seconds())
	}
}

func (g *gauge) failed(class Class, waited time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch class {
	case NotFound:
		g.now.NotFound++
	case Overloaded, Canceled: // by ourselves
	default:
		g.now.Failures++
		g.feed(max(waited, failurePenalty))
	}
}

// departed learns what there is to learn of a call whose caller has gone: one
// that was outpaced before its first byte took at least so long. Without that,
// only the fast answers of a source would ever be counted. One that had not had
// its turn says nothing.
func (g *gauge) departed(ctx context.Context, progress *Progress) {
	waited := progress.Waited()
	if !errors.Is(context.Cause(ctx), ErrOutpaced) || progress.Begun() || waited == 0 {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.first.add(waited)
	g.feed(waited)
}

func (g *gauge) lacked() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.now.Lacking++
}

func (g *gauge) figures() Figures {
	g.mu.Lock()
	defer g.mu.Unlock()
	f := g.now
	f.FirstByte = Percentiles{Count: g.first.size(), P50: g.first.percentile(0.5), P95: g.first.percentile(0.95)}
	f.Average = g.aged()
	f.Rate = float64(g.rate)
	return f
}

// suspect marks u as silent until its next answer.
func suspect(u Upstream) {
	if m, ok := As[*meter](u); ok {
		m.silent.Store(true)
	}
}

func isSuspect(u Upstream) bool {
	m, ok := As[*meter](u)
	return ok && m.silent.Load()
}

// averageHalfLife is how long it takes until an average that nothing new is known
// of counts for half: a source that was slow once, and is not asked because of
// that, would never show that it is better.
const averageHalfLife = 10 * time.Second

func (g *gauge) aged() time.Duration {
	halves := time.Since(g.averaged).Seconds() / averageHalfLife.Seconds()
	return time.Duration(float64(g.average) * math.Exp2(-halves))
}

// feed adds to the average, with the more weight the longer nothing was added;
// mu is held.
func (g *gauge) feed(d time.Duration) {
	keep := 0.8 * math.Exp2(-time.Since(g.averaged).Seconds()/averageHalfLife.Seconds())
	if g.averaged.IsZero() {
		keep = 0
	}
	g.average = ewma(keep*float64(g.average) + (1-keep)*float64(d))
	g.averaged = time.Now()
}

// lacked counts that u did not have what another source had.
func lacked(u Upstream, l Lane) {
	if m, ok := As[*meter](u); ok {
		m.lanes[l].lacked()
	}
}
