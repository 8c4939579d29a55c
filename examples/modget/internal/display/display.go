package display

import (
	"io"
	"slices"
	"sync"
	"time"

	"golang.org/x/mod/module"
)

// Options are choices that few need.
type Options struct {
	// Size returns how many columns and rows the terminal has; it is asked for each
	// frame, so that bars follow a window that is resized. Nil: diagnostics is asked
	// if it is an *os.File. What is not known, or not positive, counts as 80 and 24.
	Size func() (columns, rows int)
}

// A Display shows a download. Its methods are safe for many goroutines, never wait for
// a writer, except Close, and do nothing after Close.
type Display struct {
	form  form
	pen   *pen
	bars  *bars     // nil but for Bars
	watch *patience // nil but for Plain

	mu       sync.Mutex
	tally    Summary // Took and Err are set at the end
	began    time.Time
	underway []*Item // in the order in which they began
	closed   bool
	finished chan struct{} // closed when Close is done with everything
}

// New returns a Display that writes results to out and all else to diagnostics; the
// package's comment says what that is in each mode. Opts may be nil. Close must be
// called, for it ends the goroutines that New starts.
//
// A writer that fails is not written to again, and [Summary.Err] says so at the end.
func New(out, diagnostics io.Writer, mode Mode, opts *Options) *Display {
	d := &Display{form: formOf(mode), began: time.Now(), finished: make(chan struct{})}
	toDiagnostics := &lasting{w: diagnostics}
	d.pen = &pen{out: &lasting{w: out}, diagnostics: toDiagnostics, shown: toDiagnostics, wake: make(chan struct{}, 1)}
	switch mode {
	case Bars:
		d.bars = newBars(toDiagnostics, sizeOf(diagnostics, opts), d.look)
		d.pen.shown = d.bars
	case Plain:
		d.watch = newPatience(d.sayWaiting)
	}
	d.pen.start()
	return d
}

// Expect says that n more modules are known to come.
func (d *Display) Expect(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.closed {
		d.tally.Expected += n
	}
}

// Note shows text, on one line, to the user: a source that was left, say. JSON and the
// other modes show it on diagnostics; Quiet does not.
func (d *Display) Note(text string) {
	d.say(d.form.note(Printable(text)))
}

// Close shows the summary, takes what moves off the terminal, and waits for the
// goroutines that New started. Items that have not ended are no longer shown. It may be
// called again, and returns the same.
func (d *Display) Close() Summary {
	if !d.end() {
		<-d.finished
		return d.tally
	}
	defer close(d.finished)
	if d.watch != nil {
		d.watch.stop()
	}
	d.pen.stop()
	if d.bars != nil {
		d.bars.stop()
	}
	d.pen.write(d.form.closing(d.tally))
	d.tally.Err = d.pen.err()
	return d.tally
}

// end closes the Display to all but its Close, and reports whether it was open.
func (d *Display) end() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return false
	}
	d.closed = true
	d.tally.Took = time.Since(d.began)
	return true
}

// say shows a line, unless the summary has been written: it is the last.
func (d *Display) say(l line) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.closed {
		d.pen.put(l)
	}
}

// begin puts a module among those under way.
func (d *Display) begin(m module.Version) *Item {
	i := &Item{display: d, module: m, began: time.Now()}
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.closed {
		d.underway = append(d.underway, i)
	}
	return i
}

// arriving remembers where i comes from.
func (d *Display) arriving(i *Item, from arrival) {
	d.mu.Lock()
	defer d.mu.Unlock()
	i.from = from
}

// done counts i and shows it. It does so once: i is under way but once.
func (d *Display) done(i *Item, r Result) {
	l := d.form.done(i.module, r)
	d.mu.Lock()
	defer d.mu.Unlock()
	at := slices.Index(d.underway, i)
	if d.closed || at < 0 {
		return
	}
	d.underway = slices.Delete(d.underway, at, at+1)
	d.tally.count(r)
	d.pen.put(l)
	if d.watch != nil {
		d.watch.reset()
	}
}

// A view is what there is to see at one moment.
type view struct {
	tally    Summary
	underway []*Item
	from     []arrival // of each that is under way
}

// look returns the view of now. It holds no lock when it returns, so that those who
// are asked how much has arrived may take their time.
func (d *Display) look() view {
	d.mu.Lock()
	defer d.mu.Unlock()
	v := view{tally: d.tally, underway: slices.Clone(d.underway)}
	for _, i := range v.underway {
		v.from = append(v.from, i.from)
	}
	return v
}
