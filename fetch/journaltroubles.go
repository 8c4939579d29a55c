package fetch

import (
	"context"
	"time"
)

// A cacheTrouble is how often the Client worked with less than it has, in one way, by
// minute.
type cacheTrouble struct {
	minutes [journalMinutes]struct {
		minute int64
		times  int64
	}
	last time.Time
	why  string // the latest time
}

// degraded notes troubles of the store. What callers notice is among the requests.
func (j *journal) degraded(_ context.Context, d Degradation) {
	if d.What != CacheUnreadable && d.What != CacheUnwritable {
		return
	}
	why := ""
	if d.Err != nil {
		why = clip(d.Err.Error())
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	t := &j.troubles[d.What]
	t.last, t.why = time.Now(), why
	n := j.minuteOf(t.last)
	m := &t.minutes[n%journalMinutes]
	if m.minute != n {
		m.minute, m.times = n, 0
	}
	m.times++
}

// troubled returns the troubles of the last hour.
func (j *journal) troubled(now time.Time) []StatusTrouble {
	j.mu.Lock()
	defer j.mu.Unlock()
	var out []StatusTrouble
	last := j.minuteOf(now)
	for what := range j.troubles {
		t := &j.troubles[what]
		one := StatusTrouble{What: Degraded(what).String(), Last: t.last, Error: t.why}
		for _, m := range t.minutes {
			if m.minute > last-journalMinutes {
				one.Times += m.times
			}
		}
		if one.Times > 0 {
			out = append(out, one)
		}
	}
	return out
}
