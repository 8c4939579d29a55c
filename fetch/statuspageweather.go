package fetch

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
)

const (
	weatherWell     = "well"
	weatherStrained = "strained"
	weatherIll      = "ill"
)

// recentMinutes is what "the last five minutes" are: the present one and those before.
const recentMinutes = 5

// weatherOf says in words how everything is.
func weatherOf(s *StatusReport, offline bool) StatusWeather {
	w := StatusWeather{State: weatherWell, Notices: []string{}}
	w.Text = w.ofSources(s, offline)
	w.ofRequests(s)
	w.ofVerification(s)
	w.ofCache(s)
	return w
}

// worsen makes the state at least so bad.
func (w *StatusWeather) worsen(state string) {
	if w.State == weatherWell || state == weatherIll {
		w.State = state
	}
}

func (w *StatusWeather) notice(state, format string, args ...any) {
	w.worsen(state)
	w.Notices = append(w.Notices, fmt.Sprintf(format, args...))
}

// ofSources returns the sentence of the sources. The checksum database's own server
// is asked for something else, and has a notice of its own.
func (w *StatusWeather) ofSources(s *StatusReport, offline bool) string {
	if offline {
		return "Offline, as configured: only what is in the cache is answered."
	}
	var able, ailing []StatusSource
	asked := false
	for _, one := range s.Sources {
		switch ails := one.ails(); {
		case one.Database && ails:
			w.notice(weatherStrained, "The checksum database's own server %s.", strings.TrimPrefix(ailment(one, s.Time), host(one.Source)+" "))
		case one.Database:
		case ails:
			ailing = append(ailing, one)
		default:
			able = append(able, one)
			asked = asked || one.State != stateNotAsked
		}
	}
	all := len(able) + len(ailing)
	switch {
	case len(ailing) == 0 && !asked:
		return "Nothing is known to be wrong. No source has been asked yet."
	case len(ailing) == 0 && all == 1:
		return "The only source works: " + host(able[0].Source) + "."
	case len(ailing) == 0:
		return fmt.Sprintf("All %d sources work.", all)
	}
	w.Meaning = w.meaning(able, ailing)
	if len(ailing) == 1 && all == 1 {
		return fmt.Sprintf("The only source %s: %s.", trouble(ailing), ailments(ailing, s.Time))
	}
	return fmt.Sprintf("%d of %d sources %s: %s.", len(ailing), all, trouble(ailing), ailments(ailing, s.Time))
}

// ails reports whether a source is in trouble.
func (s StatusSource) ails() bool {
	return s.State == stateFailing || s.State == upstream.OnTrial.String() || s.State == upstream.Out.String()
}

// meaning says who stands in for the sources that ail. For one that some modules
// are routed to, nobody does.
func (w *StatusWeather) meaning(able, ailing []StatusSource) string {
	routed := func(s StatusSource) bool { return s.Routed }
	standIns := slices.DeleteFunc(slices.Clone(able), func(s StatusSource) bool { return s.Routed || s.shutOff })
	alone := slices.ContainsFunc(ailing, routed)
	general := slices.ContainsFunc(ailing, func(s StatusSource) bool { return !s.Routed })
	w.worsen(weatherStrained)
	var text []string
	switch {
	case general && len(standIns) > 0:
		text = append(text, "Answers come from "+names(standIns)+" and the cache.")
	case general && slices.ContainsFunc(able, func(s StatusSource) bool { return s.shutOff }):
		text = append(text, "Only what is in the cache is answered: behind a comma in GOPROXY nobody is asked while the source before it is out.")
	case general && len(able) > 0:
		text = append(text, "Of the modules that they are asked for, only what is in the cache is answered.")
	case general:
		text = append(text, "Only what is in the cache is answered.")
	}
	if general && len(standIns) == 0 {
		w.worsen(weatherIll)
	}
	if alone && (len(able) > 0 || general && len(standIns) > 0) {
		w.worsen(weatherIll)
		text = append(text, "Modules that are routed to one in trouble come from the cache alone.")
	}
	return strings.Join(text, " ")
}

// trouble says what the sources have in common. One that is on trial is as good as
// out until it succeeds: the sentence would change at each trial otherwise.
func trouble(ailing []StatusSource) string {
	are := "is"
	if len(ailing) > 1 {
		are = "are"
	}
	if slices.ContainsFunc(ailing, func(s StatusSource) bool { return s.State == stateFailing || s.partOut() != "" }) {
		return are + " in trouble"
	}
	return are + " out"
}

func ailments(sources []StatusSource, now time.Time) string {
	say := ailment
	if strings.HasSuffix(trouble(sources), " out") {
		say = circumstances
	}
	shown := make([]string, 0, 3)
	for i, one := range sources {
		if i == 3 {
			shown = append(shown, fmt.Sprintf("and %d more", len(sources)-3))
			break
		}
		shown = append(shown, say(one, now))
	}
	return strings.Join(shown, "; ")
}

// ailment says what is wrong with a source, such as "a.example is out (connection
// refused) since 12:04".
func ailment(s StatusSource, now time.Time) string {
	what := "is out"
	if s.State == stateFailing {
		what = "fails"
	}
	if part := s.partOut(); part != "" {
		what += " for " + part
	}
	return host(s.Source) + " " + what + strings.TrimPrefix(circumstances(s, now), host(s.Source))
}

// circumstances says why and since when, such as "a.example (connection refused)
// since 12:04".
func circumstances(s StatusSource, now time.Time) string {
	text := host(s.Source)
	if s.cause != "" {
		text += " (" + s.cause + ")"
	}
	if !s.Since.IsZero() {
		text += " since " + clock(s.Since, now)
	}
	return text
}

// host returns the name of a source for a sentence.
func host(source string) string { return strings.TrimPrefix(source, "https://") }

// partOut names the lanes that do not work, if others do and are used.
func (s StatusSource) partOut() string {
	var bad []string
	working := false
	for _, l := range s.Lanes {
		if l.State != upstream.Working.String() {
			bad = append(bad, l.Lane)
		} else if l.Answers > 0 {
			working = true
		}
	}
	if !working || !s.partly {
		return ""
	}
	return strings.Join(bad, " and ")
}

func names(sources []StatusSource) string {
	all := make([]string, 0, 3)
	for i, s := range sources {
		if i == 3 {
			all = append(all, fmt.Sprintf("%d more", len(sources)-3))
			break
		}
		all = append(all, host(s.Source))
	}
	return strings.Join(all, ", ")
}

// clock returns a time of day, with the date if it is another day.
func clock(t, now time.Time) string {
	t = t.In(now.Location())
	if t.Format(time.DateOnly) != now.Format(time.DateOnly) {
		return t.Format("2006-01-02 15:04")
	}
	return t.Format("15:04")
}

// ofRequests says whether callers got what they asked for lately.
func (w *StatusWeather) ofRequests(s *StatusReport) {
	var all, failed int64
	for _, m := range s.Minutes[max(0, len(s.Minutes)-recentMinutes):] {
		all += m.Requests
		failed += m.Failed
	}
	switch {
	case failed == 0:
	case failed*20 > all: // more than 5 %
		w.notice(weatherIll, "%s of %s failed in the last five minutes.", number(failed), countOf(all, "request"))
	default:
		w.notice(weatherStrained, "%s of %s failed in the last five minutes.", number(failed), countOf(all, "request"))
	}
	if stale := s.LastHour.Outcomes[Stale.String()]; stale > 0 && len(s.Failures) > 0 {
		for _, f := range s.Failures {
			if f.Outcome == Stale.String() && s.Time.Sub(f.Last) < recentMinutes*time.Minute {
				w.notice(weatherStrained, "Old answers are given, for no new ones could be had.")
				return
			}
		}
	}
}

func (w *StatusWeather) ofVerification(s *StatusReport) {
	if d := s.Database; d != nil {
		if d.SecurityEvents > 0 {
			w.notice(weatherIll, "The checksum database %s contradicted itself or its signature was wrong, %s. Look into this first.", d.Name, times(d.SecurityEvents))
		}
		if d.Failed.After(d.Answered) {
			w.notice(weatherStrained, "The checksum database %s could not be asked at %s: what is new cannot be verified.", d.Name, clock(d.Failed, s.Time))
		}
	}
	if s.Unverified > 0 {
		w.notice(weatherStrained, "%s handed out before anybody could verify them; they wait for that.", hasBeen(int64(s.Unverified), "file"))
	}
}

// fullFileSystem is the part of a file system below which somebody should act.
const fullFileSystem = 0.1

func (w *StatusWeather) ofCache(s *StatusReport) {
	for _, l := range s.Cache {
		if l.Gated {
			w.notice(weatherStrained, "The %s cache does not answer and is left alone for now.", l.Layer)
		}
		if l.Damaged > 0 {
			w.notice(weatherWell, "%s found damaged in the %s cache and fetched anew.", hasBeen(l.Damaged, "file"), l.Layer)
		}
	}
	for _, f := range s.FileSystems {
		if f.Total > 0 && float64(f.Free) < fullFileSystem*float64(f.Total) {
			w.notice(weatherStrained, "Only %s of %s are free where the cache is (%s).", size(f.Free), size(f.Total), f.Dir)
		}
	}
}

func hasBeen(n int64, what string) string {
	if n == 1 {
		return "1 " + what + " has been"
	}
	return number(n) + " " + what + "s have been"
}
