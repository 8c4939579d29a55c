package fetch

import (
	"strings"
	"time"

	"github.com/breakwater-go/breakwater/breaker"
	"github.com/breakwater-go/breakwater/upstream"
)

// mostModules is how many modules are listed.
const mostModules = 12

// A recordOfNow is all that a report is made from.
type recordOfNow struct {
	at      time.Time
	stats   *Stats
	core    *core
	journal *journal
}

// Report returns what the page says now.
func (h *StatusHandler) Report() *StatusReport {
	r := recordOfNow{time.Now(), h.client.Stats(), h.client.core.Load(), h.journal}
	hour := h.journal.hour(r.at)
	s := &StatusReport{
		Time: r.at, Since: r.stats.Since, Watched: h.journal.begun,
		LastHour: sumUp(hour), Total: outcomeNames(r.stats.Requests[:]),
		InFlight: r.stats.InFlight, Flights: r.stats.Flights, Unverified: r.stats.Unverified,
		Sources: r.sources(), Database: r.database(), Cache: r.layers(), FileSystems: h.fileSystems.ask(h.client),
		Modules: h.journal.busiest(r.at, mostModules), Failures: h.journal.recent(r.at), Changes: h.journal.changes(r.at),
		Configuration: r.core.configuration(r.stats.Since, r.at), Diagnosis: h.diagnoses.recent(r.at),
	}
	for i := range hour {
		s.Minutes = append(s.Minutes, minuteReport(&hour[i], h.journal.at(hour[i].minute, r.at)))
	}
	s.Cache, s.FileSystems = orEmpty(s.Cache), orEmpty(s.FileSystems)
	s.Modules, s.Failures, s.Changes = orEmpty(s.Modules), orEmpty(s.Failures), orEmpty(s.Changes)
	s.Weather = weatherOf(s, r.core.opts.Offline)
	return s
}

// orEmpty keeps JSON from saying null for nothing.
func orEmpty[E any](all []E) []E {
	if all == nil {
		return []E{}
	}
	return all
}

func outcomeNames[N int64 | uint32](counts []N) map[string]int64 {
	named := map[string]int64{}
	for o, n := range counts {
		named[Outcome(o).String()] = int64(n)
	}
	return named
}

func sumUp(hour []minuteFigures) StatusHour {
	all := new(minuteFigures)
	for i := range hour {
		all.join(&hour[i])
	}
	return StatusHour{
		Requests: all.total(), Outcomes: outcomeNames(all.outcomes[:]),
		Success: part(all.total()-int64(all.outcomes[Failed]), all.total()), HitRatio: part(all.hitsOf(), all.hitsOf()+all.fetched()),
		Hits: latencyOf(&all.hits), Fetched: latencyOf(&all.misses),
	}
}

func latencyOf(h *histogram) StatusLatency {
	return StatusLatency{h.count(), h.quantile(0.5).Seconds(), h.quantile(0.95).Seconds()}
}

func minuteReport(m *minuteFigures, begin time.Time) StatusMinute {
	return StatusMinute{
		Begin: begin, Requests: m.total(), Hits: latencyOf(&m.hits), Fetched: latencyOf(&m.misses),
		Failed: int64(m.outcomes[Failed]), Other: int64(m.outcomes[Denied]) + int64(m.outcomes[Offline]),
		HitRatio: part(m.hitsOf(), m.hitsOf()+m.fetched()),
	}
}

func (r *recordOfNow) sources() []StatusSource {
	ordinary := r.core.ordinary() // those behind are the checksum database's
	var asked []int               // those of modules that no route names
	all := make([]StatusSource, len(r.stats.Sources))
	for i, s := range r.stats.Sources {
		all[i] = r.source(s)
		all[i].Database = i >= len(ordinary)
		all[i].Routed = !all[i].Database && !ordinary[i]
		if !all[i].Database && ordinary[i] {
			asked = append(asked, i)
		}
	}
	r.shutOff(all, asked)
	return all
}

// shutOff marks those of the asked sources that nobody gets to: in a GOPROXY list, one
// that is in trouble before a comma.
func (r *recordOfNow) shutOff(all []StatusSource, asked []int) {
	strict, shut := r.core.separators(len(asked)), false
	for n, i := range asked {
		all[i].shutOff = shut
		shut = shut || strict[n] && all[i].ails()
	}
}

func (r *recordOfNow) source(s SourceStats) StatusSource {
	one := StatusSource{Source: clip(s.Source), Missing: s.Missing}
	minutes := r.journal.attempts(s.Source, r.at)
	for _, m := range minutes {
		one.Answered += int64(m.good)
		one.Failed += int64(m.failed)
		one.Minutes = append(one.Minutes, StatusSourceMinute{int64(m.good), int64(m.failed)})
	}
	one.Success = part(one.Answered, one.Answered+one.Failed)
	for l := range upstream.Lane(upstream.Lanes) {
		one.Lanes = append(one.Lanes, laneReport(s, l))
		one.InFlight += s.Figures[l].InFlight
		if since := r.journal.ailingSince(s.Source, l); !since.IsZero() && (one.Since.IsZero() || since.Before(one.Since)) {
			one.Since = since
		}
	}
	if a := s.LastFailure; a != nil {
		one.LastFailure = &StatusAttempt{a.Begun.Add(a.Took), clip(a.Request.Key()), clip(strings.TrimPrefix(a.Err.Reason(), s.Source+": ")), a.Took.Seconds()}
		one.cause = inShort(a.Err)
	}
	if s.ProbeError != nil {
		one.ProbeError = clip(s.ProbeError.Error())
	}
	for _, p := range s.Parts[:min(len(s.Parts), 16)] {
		one.Parts = append(one.Parts, StatusPart{clip(p.Source), worst(p.Health[:]).String()})
	}
	one.State = r.state(s, minutes)
	good, _ := lately(minutes)
	one.partly = good > 0
	return one
}

func laneReport(s SourceStats, l upstream.Lane) StatusLane {
	f, load := s.Figures[l], s.Load[l]
	return StatusLane{
		Lane: l.String(), State: s.Health[l].State.String(),
		Answers: f.Answers, NotFound: f.NotFound, Failures: f.Failures,
		P50: f.FirstByte.P50.Seconds(), P95: f.FirstByte.P95.Seconds(), Rate: f.Rate,
		InFlight: f.InFlight, Waiting: load.Waiting, Limit: load.Limit,
	}
}

func worst(health []upstream.Health) upstream.HealthState {
	state := upstream.Working
	for _, h := range health {
		state = max(state, h.State)
	}
	return state
}

const (
	stateFailing  = "failing"
	stateNotAsked = "not asked"
)

// state returns the worst that is known of a source, in words.
func (r *recordOfNow) state(s SourceStats, minutes []sourceMinute) string {
	if w := worst(s.Health[:]); w != upstream.Working {
		return w.String()
	}
	good, failed := lately(minutes)
	switch {
	case failed > 0 && good == 0:
		return stateFailing
	case !wasAsked(s.Standing) && s.LastFailure == nil && good == 0:
		return stateNotAsked
	}
	return upstream.Working.String()
}

func lately(minutes []sourceMinute) (good, failed uint32) {
	for _, m := range minutes[max(0, len(minutes)-recentMinutes):] {
		good += m.good
		failed += m.failed
	}
	return good, failed
}

func wasAsked(s breaker.Standing) bool {
	for _, f := range s.Figures {
		if f.Answers+f.NotFound+f.Failures > 0 {
			return true
		}
	}
	return !s.Probed.IsZero()
}

func (r *recordOfNow) database() *StatusDatabase {
	d := r.stats.Database
	if d == nil {
		return nil
	}
	one := &StatusDatabase{
		Name: d.Name, TreeSize: d.TreeSize, Confirmed: d.Confirmed, Answered: d.Answered, Failed: d.Failed, SecurityEvents: d.SecurityEvents,
	}
	if d.Err != nil {
		one.Error = clip(upstream.AsError(d.Err, upstream.Request{}, "").Reason())
	}
	return one
}

func (r *recordOfNow) layers() []StatusLayer {
	var all []StatusLayer
	for _, u := range r.stats.Cache {
		all = append(all, StatusLayer{
			Layer: u.Layer, Dir: clip(u.Dir), Known: u.Known, Entries: u.Entries, Bytes: u.Bytes,
			MaxEntries: u.MaxEntries, MaxBytes: max(0, u.MaxBytes), Evicted: u.Evicted, Damaged: u.Damaged, ReadOnly: u.ReadOnly, Gated: u.Gated,
		})
	}
	return all
}
