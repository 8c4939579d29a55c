package main

// A verdict says how a promise fares.
type verdict string

const (
	holds   verdict = "holds"
	inNoise verdict = "in the noise" // the median is beyond the floor, a part of the rounds is not
	lost    verdict = "LOST"
	figure  verdict = "-" // there is nothing that it must be
)

// verdict judges by the middle half of the rounds: a promise is lost if all of it lies
// beyond the floor.
func (o *outcome) verdict() verdict {
	if o.skipped != "" || o.promise.floor == 0 {
		return figure
	}
	c, q, floor := o.promise.compare, o.comparisons(), o.promise.floor
	switch {
	case c.within(q.median, floor):
		return holds
	case c.within(q.lower, floor) || c.within(q.upper, floor):
		return inNoise
	}
	return lost
}

// settle returns o unless that is lost: then again is measured, twice at most, and if
// that is not lost it was noise. So a run fails for what is lost three times.
func settle(o *outcome, again func() (*outcome, error)) (*outcome, error) {
	for range 2 {
		if o.verdict() != lost {
			break
		}
		var err error
		if o, err = again(); err != nil {
			return nil, err
		}
	}
	return o, nil
}
