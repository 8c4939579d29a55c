package display

import (
	"math"
	"time"
)

// A pace is a smoothed rate of something that grows: bytes, or modules. What was seen
// counts less the longer ago it was. The zero value has seen nothing.
type pace struct {
	began, at time.Time
	last      float64
	rate      float64 // decayed sum of rates
	weight    float64 // decayed sum of their weights: below 1 until enough was seen
}

// minStep is the shortest time that a rate is taken over: the last frames of a display
// are drawn at once.
const minStep = 50 * time.Millisecond

// observe says that there is now so much of it. Memory is how long ago counts for a third.
// What shrinks, because another source began anew, counts as standing still.
func (p *pace) observe(now time.Time, amount float64, memory time.Duration) {
	if p.at.IsZero() {
		p.began, p.at, p.last = now, now, amount
		return
	}
	step := now.Sub(p.at)
	if step < minStep {
		return
	}
	keep := math.Exp(-step.Seconds() / memory.Seconds())
	grown := max(0, amount-p.last) / step.Seconds()
	p.rate = p.rate*keep + grown*(1-keep)
	p.weight = p.weight*keep + (1 - keep)
	p.at, p.last = now, amount
}

// perSecond returns the rate, 0 while nothing is known.
func (p *pace) perSecond() float64 {
	if p.weight == 0 {
		return 0
	}
	return p.rate / p.weight
}

// An estimate is given after minSeen, and not if it is longer than maxETA: it would be
// a guess.
const (
	minSeen = 2 * time.Second
	maxETA  = 24 * time.Hour
)

// left returns how long it will take until there is so much more of it, and whether
// that is known.
func (p *pace) left(more float64) (time.Duration, bool) {
	rate := p.perSecond()
	if more <= 0 || p.at.Sub(p.began) < minSeen || rate*maxETA.Seconds() < more {
		return 0, false
	}
	return time.Duration(more / rate * float64(time.Second)), true
}
