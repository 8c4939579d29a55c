package verify

import (
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
)

var errDead = errors.New("the body all but stopped arriving")

// A watched body is looked at from time to time while it is read, for how fast
// it arrives. stop must be called.
type watched struct {
	io.ReadCloser
	progress *upstream.Progress
	opts     *SpoolOptions
	read     atomic.Int64
	begun    bool

	mu       sync.Mutex
	timer    *time.Timer
	over     bool
	dead     bool
	slowSpan span
	deadSpan span
}

// A span is the time over which a rate is taken.
type span struct {
	from time.Time
	seen int64 // read until then
}

// below reports whether less than rate has arrived, once the span is as long as
// window; then the next one begins.
func (s *span) below(rate int64, window time.Duration, read int64) bool {
	since := time.Since(s.from)
	if window <= 0 || since < window {
		return false
	}
	below := float64(read-s.seen) < float64(rate)*since.Seconds()
	s.from, s.seen = time.Now(), read
	return below
}

func watch(body io.ReadCloser, p *upstream.Progress, opts *SpoolOptions) *watched {
	w := &watched{ReadCloser: body, progress: p, opts: opts}
	w.slowSpan.from = time.Now()
	w.deadSpan.from = w.slowSpan.from
	if opts.tick() > 0 {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.timer = time.AfterFunc(opts.tick(), w.look)
	}
	return w
}

// tick is how often a body is looked at; 0 or less: never.
func (o *SpoolOptions) tick() time.Duration {
	if o.SlowWindow > 0 && o.DeadWindow > 0 {
		return min(o.SlowWindow, o.DeadWindow)
	}
	return max(o.SlowWindow, o.DeadWindow)
}

func (w *watched) Read(p []byte) (int, error) {
	if w.isDead() {
		return 0, errDead // there are bodies that Close does not end
	}
	n, err := w.ReadCloser.Read(p)
	w.read.Add(int64(n))
	if !w.begun && (n > 0 || err == io.EOF) {
		w.begun = true
		w.progress.FirstByte()
	}
	return n, err
}

func (w *watched) isDead() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.dead
}

func (w *watched) look() {
	if w.judge() {
		w.ReadCloser.Close() // which ends the Read that waits
	}
}

// judge judges how fast the body has arrived of late, and reports whether it is
// dead.
func (w *watched) judge() (dead bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.over {
		return false
	}
	read := w.read.Load()
	if w.slowSpan.below(w.opts.SlowRate, w.opts.SlowWindow, read) {
		w.progress.Slow()
	}
	if w.deadSpan.below(w.opts.DeadRate, w.opts.DeadWindow, read) {
		w.dead = true
		return true
	}
	w.timer.Reset(w.opts.tick())
	return false
}

// stop ends the watch, and reports whether it has ended the body.
func (w *watched) stop() (dead bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.over = true
	if w.timer != nil {
		w.timer.Stop()
	}
	return w.dead
}
