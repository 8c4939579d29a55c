package fetch

import (
	"strings"
	"time"

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
	now := h.client.core.Load()
	r := recordOfNow{time.Now(), h.client.statsOf(now), now, h.journal}
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
	s.Troubles = orEmpty(h.journal.troubled(r.at))
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
	answered, failed := all.answered(), int64(all.outcomes[Failed])
	modules, hits := all.modules()
	return StatusHour{
		Requests: all.total(), Outcomes: outcomeNames(all.outcomes[:]),
		Answered: answered, Refused: all.total() - answered - failed, Success: part(answered, answered+failed),
		Modules: modules, HitRatio: part(hits, modules),
		Hits: latencyOf(&all.hits), Fetched: latencyOf(&all.misses),
	}
}

func latencyOf(h *histogram) StatusLatency {
	return StatusLatency{h.count(), h.quantile(0.5).Seconds(), h.quantile(0.95).Seconds()}
}

func minuteReport(m *minuteFigures, begin time.Time) StatusMinute {
	modules, hits := m.modules()
	return StatusMinute{
		Begin: begin, Requests: m.total(), Hits: latencyOf(&m.hits), Fetched: latencyOf(&m.misses),
		Failed: int64(m.outcomes[Failed]), Other: int64(m.outcomes[Denied]) + int64(m.outcomes[Offline]),
		Modules: modules, HitRatio: part(hits, modules),
	}
}

func (r *recordOfNow) sources() []StatusSource {
	ordinary := r.core.ordinary() // those behind are the checksum database's
	sources := r.core.allSources()
	all := make([]StatusSource, len(r.stats.Sources))
	for i, s := range r.stats.Sources {
		var u upstream.Upstream // nil: it has been configured anew since
		if i < len(sources) && upstream.Name(sources[i]) == s.Source {
			u = sources[i]
		}
		all[i] = r.source(s, u)
		all[i].Database = i >= len(ordinary)
		all[i].Routed = !all[i].Database && !ordinary[i]
	}
	for i, reached := range r.core.reached(func(i int) bool { return all[i].ails() }) {
		all[i].shutOff = ordinary[i] && !reached
	}
	return all
}

func (r *recordOfNow) source(s SourceStats, u upstream.Upstream) StatusSource {
	one := StatusSource{Source: clip(s.Source), Missing: s.Missing, parted: isParted(u)}
	minutes, since := r.journal.attempts(s.Source, r.at)
	one.asked = since.at
	for _, m := range minutes {
		one.Answered += int64(m.good)
		one.Failed += int64(m.failed.n)
		one.Refused += int64(m.refused.n)
		one.Minutes = append(one.Minutes, StatusSourceMinute{int64(m.good), int64(m.failed.n), int64(m.refused.n)})
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
		if one.asked.IsZero() && !wasAnswered(s.Standing) {
			one.asked = a.Begun.Add(a.Took) // before the record began
		}
	}
	if s.ProbeError != nil {
		one.ProbeError = clip(s.ProbeError.Error())
	}
	one.Parts = r.parts(s)
	one.State = r.state(s, one, minutes, since)
	if a := s.LastFailure; a != nil && one.State == stateRefusing && (a.Err.Status == 401 || a.Err.Status == 403) {
		one.cause += ": are the credentials right?"
	}
	if isNothing(u) {
		one.State = stateNone
	}
	one.partly = lately(minutes).good > 0
	return one
}

// mostParts is how many servers of a source are listed.
const mostParts = 16

// parts returns the servers in trouble, those first that answered before.
func (r *recordOfNow) parts(s SourceStats) []StatusPart {
	var known, strange []StatusPart
	for _, p := range s.Parts {
		one := StatusPart{clip(p.Source), worst(p.Health[:]).String(), r.journal.partAnswered(p.Source, r.at)}
		if one.Answered {
			known = append(known, one)
		} else if len(strange) < mostParts {
			strange = append(strange, one)
		}
	}
	all := append(known, strange...)
	return all[:min(len(all), mostParts)]
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
