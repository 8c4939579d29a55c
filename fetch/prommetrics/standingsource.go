package prommetrics

import (
	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/prometheus/client_golang/prometheus"
)

// sourceFigures are those of the sources that the Client has now: of one that
// Reconfigure has removed there are none any more.
type sourceFigures struct{ inFlight, queue, limit, state figure }

func (d *definer) sourceFigures() sourceFigures {
	return sourceFigures{
		inFlight: d.gauge("source_in_flight",
			"Calls to a source under way; those that wait for their turn only where it has no limit or is many servers.", "source", "lane"),
		queue: d.gauge("source_queue", "Calls to a source that wait for their turn.", "source", "lane"),
		limit: d.gauge("source_limit",
			"Calls to a source that may be under way at present; absent where there is no limit or it is many servers.", "source", "lane"),
		state: d.gauge("source_state", "1 for the state that a source is in, 0 for the others.", "source", "lane", "state"),
	}
}

// A sourceLane is how a source fares in a lane.
type sourceLane struct {
	inFlight, queue int
	limit           int // 0: none
	state           upstream.HealthState
}

func (f *sourceFigures) send(ch chan<- prometheus.Metric, sources []fetch.SourceStats) {
	for name, lanes := range byName(sources) {
		for l, one := range lanes {
			in := word(upstream.Lane(l).String())
			f.inFlight.send(ch, float64(one.inFlight), name, in)
			f.queue.send(ch, float64(one.queue), name, in)
			if one.limit > 0 {
				f.limit.send(ch, float64(one.limit), name, in)
			}
			f.sendState(ch, one.state, name, in)
		}
	}
}

func (f *sourceFigures) sendState(ch chan<- prometheus.Metric, now upstream.HealthState, name, lane string) {
	for state := range upstream.Out + 1 {
		value := 0.
		if state == now {
			value = 1
		}
		f.state.send(ch, value, name, lane, word(state.String()))
	}
}

// byName returns how sources fare. Those that share a name share its series, which
// may exist once only: the figures are added up, and the worst state counts.
func byName(sources []fetch.SourceStats) map[string][upstream.Lanes]sourceLane {
	all := map[string][upstream.Lanes]sourceLane{}
	for _, s := range sources {
		name := text(s.Source)
		sum, again := all[name]
		for l := range sum {
			one := laneOf(s, l)
			if again {
				one = sum[l].and(one)
			}
			sum[l] = one
		}
		all[name] = sum
	}
	return all
}

func laneOf(s fetch.SourceStats, l int) sourceLane {
	load := s.Load[l]
	if load.Limit <= 0 {
		return sourceLane{inFlight: s.Figures[l].InFlight, state: s.Health[l].State}
	}
	return sourceLane{load.Inside, load.Waiting, load.Limit, s.Health[l].State}
}

func (a sourceLane) and(b sourceLane) sourceLane {
	sum := sourceLane{a.inFlight + b.inFlight, a.queue + b.queue, a.limit + b.limit, max(a.state, b.state)}
	if a.limit == 0 || b.limit == 0 {
		sum.limit = 0
	}
	return sum
}
