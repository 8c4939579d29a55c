package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"sync"
)

// overflowBytes bounds the lines that wait for a writer. As much again is being written.
const overflowBytes = 1 << 20

// An overflow is a writer of lines that nobody waits for: they are written in the
// background, in order, and left out while too much waits. The log tells when that
// begins, and how many it was when lines are written again. Write may be called by many
// goroutines at once.
type overflow struct {
	w     io.Writer
	log   *slog.Logger
	word  chan struct{} // there are lines, or no more
	ended chan struct{} // closed when all is written

	mu      sync.Mutex
	waiting []byte
	lost    int // lines, since some were written
	closed  bool

	spare   []byte // what waiting will be next; of the goroutine
	failing bool   // of the goroutine
}

// newOverflow returns an overflow for w. The caller calls close after the last line.
func newOverflow(w io.Writer, log *slog.Logger) *overflow {
	o := &overflow{w: w, log: log, word: make(chan struct{}, 1), ended: make(chan struct{})}
	go o.run()
	return o
}

// Write takes a line and never fails.
func (o *overflow) Write(line []byte) (int, error) {
	if o.add(line) {
		o.log.Warn("nobody takes the lines of the access log in time; requests go on, and lines are left out")
	}
	return len(line), nil
}

// add reports whether the line is the first that is left out.
func (o *overflow) add(line []byte) (first bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed || len(o.waiting)+len(line) > overflowBytes {
		o.lost++
		return o.lost == 1
	}
	o.waiting = append(o.waiting, line...)
	o.signal()
	return false
}

func (o *overflow) signal() {
	select {
	case o.word <- struct{}{}:
	default:
	}
}

func (o *overflow) run() {
	defer close(o.ended)
	for range o.word {
		lines, lost, last := o.take()
		if len(lines) > 0 {
			_, err := o.w.Write(lines)
			o.tell(err, lost)
		}
		o.spare = lines[:0]
		if last {
			return
		}
	}
}

// take returns what waits, how many lines were left out before, and whether it is the last.
func (o *overflow) take() (lines []byte, lost int, last bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	lines, lost, last = o.waiting, o.lost, o.closed
	o.waiting, o.lost = o.spare, 0
	return lines, lost, last
}

// tell logs what changes: an error once, and how many lines were left out.
func (o *overflow) tell(err error, lost int) {
	failed := err != nil
	if failed && !o.failing {
		o.log.Error("the access log cannot be written; requests go on without", "error", err)
	}
	if !failed && o.failing {
		o.log.Info("the access log is written again")
	}
	o.failing = failed
	if lost > 0 {
		o.log.Warn("lines of the access log were left out", "lines", lost)
	}
}

// close writes what waits. It waits for that until ctx ends, which is the error then.
func (o *overflow) close(ctx context.Context) error {
	o.mu.Lock()
	o.closed = true
	o.mu.Unlock()
	o.signal()
	select {
	case <-o.ended:
		return nil
	case <-ctx.Done():
		o.mu.Lock()
		defer o.mu.Unlock()
		return fmt.Errorf("nobody takes the rest of the access log, of which %d lines were left out before: %w", o.lost, context.Cause(ctx))
	}
}
