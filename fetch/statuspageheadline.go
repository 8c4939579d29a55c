package fetch

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
)

// standings are the sources of modules by how they fare, each name once: a source may
// be in the list and in a route.
type standings struct {
	able     []StatusSource // that answer
	unasked  []StatusSource
	doubtful []StatusSource // that failed when last asked, a while ago
	ailing   []StatusSource
	none     []StatusSource // that are no servers, such as "off"
}

func standingsOf(sources []StatusSource) *standings {
	var once []StatusSource
	for _, one := range sources {
		if one.Database {
			continue
		}
		i := slices.IndexFunc(once, func(s StatusSource) bool { return s.Source == one.Source })
		if i < 0 {
			once = append(once, one)
			continue
		}
		routed, shut := once[i].Routed && one.Routed, once[i].shutOff && one.shutOff
		if one.ails() {
			once[i] = one
		}
		once[i].Routed, once[i].shutOff = routed, shut
	}
	st := new(standings)
	for _, one := range once {
		into := &st.able
		switch {
		case one.State == stateNone:
			into = &st.none
		case one.ails():
			into = &st.ailing
		case one.State == stateFailedLast:
			into = &st.doubtful
		case one.State == stateNotAsked:
			into = &st.unasked
		}
		*into = append(*into, one)
	}
	return st
}

func (st *standings) count() int {
	return len(st.able) + len(st.unasked) + len(st.doubtful) + len(st.ailing)
}

// ofSources says how the sources are, and reports whether that reassures.
func (w *outlook) ofSources(s *StatusReport, offline bool) (reassuring bool) {
	if offline {
		w.head.text = "Offline, as configured: only what is in the cache is answered."
		return true
	}
	w.ofOtherServers(s)
	st := standingsOf(s.Sources)
	all := st.count()
	if all == 0 {
		w.head.text = withoutSources(st.none)
		return true
	}
	if len(st.ailing) == 0 {
		w.head.text, w.unasked = st.reassurance(s.Time), len(st.unasked) == all
		if st.isDoubtful() {
			w.worsen(straining)
		}
		return len(st.doubtful) == 0
	}
	w.meaning = w.meaningOf(st)
	if all == 1 {
		w.head.text = fmt.Sprintf("The only source %s: %s.", trouble(st.ailing), ailments(st.ailing, s.Time))
	} else {
		w.head.text = fmt.Sprintf("%d of %d sources %s: %s.", len(st.ailing), all, trouble(st.ailing), ailments(st.ailing, s.Time))
	}
	return false
}

// ofOtherServers notices the checksum database's own server, which is asked for
// something else, and servers of a source that is many. Of those only the ones that
// have answered count: anybody can ask for a module at a host that is dead.
func (w *outlook) ofOtherServers(s *StatusReport) {
	seen := map[string]bool{}
	for _, one := range s.Sources {
		if one.Database && one.ails() {
			w.notice(straining, "The checksum database's own server %s.", strings.TrimPrefix(ailment(one, s.Time), host(one.Source)+" "))
		}
		for _, p := range one.Parts {
			if p.Answered && !seen[p.Source] {
				w.notice(straining, "Of %s, which answered before, no module can be had now but what is in the cache.", p.Source)
			}
			seen[p.Source] = true
		}
	}
}

func withoutSources(none []StatusSource) string {
	if slices.ContainsFunc(none, func(s StatusSource) bool { return s.Source == "direct" }) {
		return "There is no source to ask, as direct takes the go command and git: only what is in the cache is answered."
	}
	return "No source may be asked, as configured: only what is in the cache is answered."
}

// isDoubtful reports whether it is not known that callers can be served: what
// failed may be a stranger's server only if others answer.
func (st *standings) isDoubtful() bool {
	return len(st.doubtful) > 0 && len(st.able) == 0 || slices.ContainsFunc(st.doubtful, func(s StatusSource) bool { return !s.parted })
}

// reassurance is for sources of which none is in trouble, and claims of none more
// than is known.
func (st *standings) reassurance(now time.Time) string {
	all, able := st.count(), len(st.able)
	switch {
	case len(st.unasked) == all:
		return "No source has been asked yet."
	case able == 1 && all == 1:
		return "The only source works: " + host(st.able[0].Source) + "."
	case able == 2 && all == 2:
		return "Both sources work."
	case able == all:
		return fmt.Sprintf("All %d sources work.", all)
	case all == 1:
		return "The only source " + lastFailure(st.doubtful[0], now) + ": " + host(st.doubtful[0].Source) + "."
	}
	var text []string
	switch {
	case able == 1:
		text = append(text, fmt.Sprintf("1 of %d sources works", all))
	case able > 1:
		text = append(text, fmt.Sprintf("%d of %d sources work", able, all))
	}
	for i, one := range st.doubtful {
		if i == 3 {
			text = append(text, fmt.Sprintf("%d more failed when last asked", len(st.doubtful)-i))
			break
		}
		text = append(text, host(one.Source)+" "+lastFailure(one, now))
	}
	switch len(st.unasked) {
	case 0:
	case 1:
		text = append(text, "the other has not been asked")
	default:
		text = append(text, "the others have not been asked")
	}
	return strings.Join(text, ", ") + "."
}

// lastFailure is such as "failed when last asked, at 03:24 (connection refused)".
func lastFailure(s StatusSource, now time.Time) string {
	text := stateFailedLast
	if !s.asked.IsZero() {
		text += ", at " + clock(s.asked, now)
	}
	if s.cause != "" {
		text += " (" + s.cause + ")"
	}
	return text
}

// ails reports whether a source is in trouble.
func (s StatusSource) ails() bool {
	return s.State == stateFailing || s.State == stateRefusing || s.isOut()
}

func (s StatusSource) isOut() bool {
	return s.State == upstream.OnTrial.String() || s.State == upstream.Out.String()
}

// meaningOf says who stands in for the sources that ail. For one that some modules
// are routed to, nobody does.
func (w *outlook) meaningOf(st *standings) string {
	routed := func(s StatusSource) bool { return s.Routed }
	closed := func(s StatusSource) bool { return s.Routed || s.shutOff }
	others := slices.Concat(st.able, st.unasked, st.doubtful)
	standIns := slices.DeleteFunc(slices.Clone(st.able), closed)
	unknown := slices.DeleteFunc(slices.Concat(st.unasked, st.doubtful), closed)
	alone := slices.ContainsFunc(st.ailing, routed)
	general := slices.ContainsFunc(st.ailing, func(s StatusSource) bool { return !s.Routed })
	w.worsen(straining)
	var text []string
	switch {
	case general && len(standIns) > 0:
		text = append(text, "Answers come from "+names(standIns)+" and the cache.")
	case general && len(unknown) > 0:
		text = append(text, "It is not known whether "+names(unknown)+" can stand in.")
	case general && slices.ContainsFunc(others, func(s StatusSource) bool { return s.shutOff }):
		text = append(text, "Only what is in the cache is answered: behind a comma in GOPROXY nobody is asked while the source before it is out.")
	case general && len(others) > 0:
		text = append(text, "Of the modules that they are asked for, only what is in the cache is answered.")
	case general:
		text = append(text, "Only what is in the cache is answered.")
	}
	if general && len(standIns)+len(unknown) == 0 {
		w.worsen(harming)
	}
	if alone && (len(others) > 0 || general && len(standIns) > 0) {
		w.worsen(harming)
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
	if slices.ContainsFunc(ailing, func(s StatusSource) bool {
		return s.State == stateFailing || s.State == stateRefusing || s.partOut() != ""
	}) {
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
	switch s.State {
	case stateFailing:
		what = "fails"
	case stateRefusing:
		what = "refuses every request"
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
