package fetch

import (
	"fmt"
	"strings"
	"time"
)

// recentMinutes is what "the last five minutes" are: the present one and those before.
const recentMinutes = 5

// weatherOf says in words how everything is.
func weatherOf(s *StatusReport, offline bool) StatusWeather {
	w := new(outlook)
	reassuring := w.ofSources(s, offline)
	w.ofRequests(s, reassuring)
	w.ofVerification(s)
	w.ofCache(s)
	return w.weather()
}

// ofRequests says whether callers got what they asked for lately. The headline says so
// where it is graver than what is known of the sources.
func (w *outlook) ofRequests(s *StatusReport, reassuring bool) {
	var all, failed int64
	for _, m := range s.Minutes[max(0, len(s.Minutes)-recentMinutes):] {
		all += m.Requests
		failed += m.Failed
	}
	if failed > 0 {
		grave := straining
		if failed*20 > all { // more than 5 %
			grave = harming
		}
		what := fmt.Sprintf("%s of %s failed in the last five minutes.", number(failed), countOf(all, "request"))
		switch {
		case reassuring:
			w.join(grave, ", but "+what)
		case grave > w.head.grave:
			w.join(grave, ", and "+what)
		default:
			w.notice(grave, "%s", what)
		}
	}
	if stale := s.LastHour.Outcomes[Stale.String()]; stale > 0 && len(s.Failures) > 0 {
		for _, f := range s.Failures {
			if f.Outcome == Stale.String() && s.Time.Sub(f.Last) < recentMinutes*time.Minute {
				w.notice(straining, "Old answers are given, for no new ones could be had.")
				return
			}
		}
	}
}

func (w *outlook) ofVerification(s *StatusReport) {
	if d := s.Database; d != nil {
		if d.SecurityEvents > 0 {
			w.notice(forging, "The checksum database %s contradicted itself or its signature was wrong, %s. Look into this first.", d.Name, times(d.SecurityEvents))
		}
		switch {
		case !d.Failed.After(d.Answered):
		case s.Time.Sub(d.Failed) >= failureHolds: // nobody has asked since, and perhaps it is back
			w.notice(calm, "The checksum database %s could not be asked when it was asked last, at %s.", d.Name, clock(d.Failed, s.Time))
		default:
			w.notice(straining, "The checksum database %s could not be asked at %s: what is new cannot be verified.", d.Name, clock(d.Failed, s.Time))
		}
	}
	if s.Unverified > 0 {
		w.notice(straining, "%s handed out before anybody could verify them; they wait for that.", hasBeen(int64(s.Unverified), "file"))
	}
}

// fullFileSystem is the part of a file system below which somebody should act.
const fullFileSystem = 0.1

func (w *outlook) ofCache(s *StatusReport) {
	for _, l := range s.Cache {
		if l.Gated {
			w.notice(straining, "The %s cache does not answer and is left alone for now.", l.Layer)
		}
		if l.Damaged > 0 {
			w.notice(calm, "%s found damaged in the %s cache and fetched anew.", hasBeen(l.Damaged, "file"), l.Layer)
		}
	}
	for _, t := range s.Troubles {
		what := "The cache could not be read, and sources were asked instead,"
		if t.What == CacheUnwritable.String() {
			what = "Downloads could not be stored"
		}
		w.notice(straining, "%s %s in the last hour, at last at %s: %s.", what, times(t.Times), clock(t.Last, s.Time), strings.TrimSuffix(t.Error, "."))
	}
	for _, f := range s.FileSystems {
		if f.Total > 0 && float64(f.Free) < fullFileSystem*float64(f.Total) {
			w.notice(straining, "Only %s of %s are free where the cache is (%s).", size(f.Free), size(f.Total), f.Dir)
		}
	}
}

func hasBeen(n int64, what string) string {
	if n == 1 {
		return "1 " + what + " has been"
	}
	return number(n) + " " + what + "s have been"
}
