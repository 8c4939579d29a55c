package display

import (
	"cmp"
	"io"
	"sync"
)

// A pen writes lines in the order in which they are put, in a goroutine of its own, so
// that nobody who downloads waits for a slow reader. What it holds meanwhile is bounded by
// the number of modules.
type pen struct {
	out, diagnostics *lasting
	shown            io.Writer // where lines for diagnostics go: it, or the bars before it

	mu    sync.Mutex
	lines []line
	ended bool
	wake  chan struct{} // capacity 1
	over  sync.WaitGroup
}

func (p *pen) start() { p.over.Go(p.run) }

// stop waits until all lines that were put are written. After it, write may be called.
func (p *pen) stop() {
	p.mu.Lock()
	p.ended = true
	p.mu.Unlock()
	p.rouse()
	p.over.Wait()
}

func (p *pen) put(l line) {
	if l.text == "" {
		return
	}
	p.mu.Lock()
	p.lines = append(p.lines, l)
	p.mu.Unlock()
	p.rouse()
}

func (p *pen) rouse() {
	select {
	case p.wake <- struct{}{}:
	default: // it has yet to see the last one, and will look for all lines then
	}
}

func (p *pen) run() {
	for {
		lines, ended := p.take()
		for _, l := range lines {
			p.write(l)
		}
		if ended {
			return
		}
		<-p.wake
	}
}

// take returns what there is to write, and whether there will be no more.
func (p *pen) take() ([]line, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	lines := p.lines
	p.lines = nil
	return lines, p.ended
}

// write writes one line. Its errors are kept by the writers.
func (p *pen) write(l line) {
	if l.text == "" {
		return
	}
	w := p.shown
	if l.result {
		w = p.out
	}
	io.WriteString(w, l.text+"\n")
}

// err returns the first error that a writer met; that of out first, for who reads the
// results must know.
func (p *pen) err() error { return cmp.Or(p.out.err, p.diagnostics.err) }

// A lasting writer outlives the one behind it: after an error it remembers the error, and
// takes whatever comes without writing it. It is for one goroutine at a time.
type lasting struct {
	w   io.Writer
	err error
}

func (l *lasting) Write(b []byte) (int, error) {
	if l.err == nil {
		_, l.err = l.w.Write(b)
	}
	return len(b), nil
}
