package fetch

import (
	"github.com/breakwater-go/breakwater/breaker"
	"github.com/breakwater-go/breakwater/upstream"
)

const (
	stateFailing    = "failing"
	stateRefusing   = "refusing"
	stateFailedLast = "failed when last asked"
	stateNotAsked   = "not asked"
	stateNone       = "no source"
)

// fewestRefused is how many calls a source must refuse, and answer none, for that to
// be about us and not about what was asked for.
const fewestRefused = 3

// state returns the worst that is known of a source, in words.
func (r *recordOfNow) state(s SourceStats, one StatusSource, minutes []sourceMinute, since streak) string {
	if w := worst(s.Health[:]); w != upstream.Working {
		return w.String()
	}
	now := lately(minutes)
	refusing := now.good == 0 && since.failed.n == 0 && since.refused.several && since.refused.n >= fewestRefused
	switch {
	case one.parted:
		// Whether it fails is a matter of whom strangers ask for, until it has answered.
	case now.failed.several && now.failed.n > now.good && since.failed.n > 0, now.failed.n > 0 && now.good == 0 && since.failed.several:
		return stateFailing
	case refusing && now.refused.n > 0:
		return stateRefusing
	case now.good == 0 && since.failed.several, refusing:
		return stateFailedLast
	}
	refusedOnly := since.failed.n == 0 && since.refused.n > 0
	switch {
	case one.Answered == 0 && !one.asked.IsZero() && !refusedOnly:
		return stateFailedLast
	case !wasAsked(s.Standing) && s.LastFailure == nil && one.Answered == 0:
		return stateNotAsked
	}
	return upstream.Working.String()
}

// recentFigures are those of the last five minutes.
type recentFigures struct {
	good            uint32
	failed, refused tally
}

func lately(minutes []sourceMinute) recentFigures {
	var f recentFigures
	for _, m := range minutes[max(0, len(minutes)-recentMinutes):] {
		f.good += m.good
		f.failed.join(m.failed)
		f.refused.join(m.refused)
	}
	return f
}

func wasAsked(s breaker.Standing) bool {
	for _, f := range s.Figures {
		if f.Answers+f.NotFound+f.Failures > 0 {
			return true
		}
	}
	return !s.Probed.IsZero()
}

func wasAnswered(s breaker.Standing) bool {
	for _, f := range s.Figures {
		if f.Answers+f.NotFound > 0 {
			return true
		}
	}
	return !s.Probed.IsZero() && s.ProbeError == nil
}
