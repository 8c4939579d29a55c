package display

import (
	"fmt"
	"sync"
	"time"
)

// Where no bar moves, silence is hard to tell from a hang. After firstWord of it, and
// then after twice as long each time up to lastWord, a line says what is waited for.
const (
	firstWord = 10 * time.Second
	lastWord  = 2 * time.Minute
)

// A patience counts silence, in a goroutine of its own.
type patience struct {
	say    func()
	heard  chan struct{} // capacity 1
	ending chan struct{}
	over   sync.WaitGroup
}

func newPatience(say func()) *patience {
	p := &patience{say: say, heard: make(chan struct{}, 1), ending: make(chan struct{})}
	p.over.Go(p.run)
	return p
}

// reset begins to count anew, for something was heard.
func (p *patience) reset() {
	select {
	case p.heard <- struct{}{}:
	default:
	}
}

func (p *patience) stop() {
	close(p.ending)
	p.over.Wait()
}

func (p *patience) run() {
	wait := firstWord
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for {
		select {
		case <-p.ending:
			return
		case <-p.heard:
			wait = firstWord
		case <-timer.C:
			p.say()
			wait = min(2*wait, lastWord)
		}
		timer.Reset(wait)
	}
}

// sayWaiting says what is waited for: the module that has been under way longest.
func (d *Display) sayWaiting() {
	v := d.look()
	if len(v.underway) == 0 {
		return
	}
	first, from := v.underway[0], v.from[0]
	text := fmt.Sprintf("waiting for %s", name(first.module, Result{}))
	if n := len(v.underway) - 1; n > 0 {
		text += fmt.Sprintf(" and %d more", n)
	}
	text += ": " + from.progress()
	d.say(line{text: text})
}

// progress says how much is here, in words.
func (a arrival) progress() string {
	switch {
	case a.source == "" && a.count == nil:
		if a.word != nil {
			return "nothing has come yet, " + a.waiting()
		}
		return "nothing has come yet"
	case a.size > 0:
		return fmt.Sprintf("%s of %s from %s", size(a.received()), size(a.size), a.source)
	}
	return fmt.Sprintf("%s from %s", size(a.received()), a.source)
}
