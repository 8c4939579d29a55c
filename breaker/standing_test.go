package breaker_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/breaker"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
)

// names returns the sources of a ranking in order.
func names(ranking []breaker.Standing) []string {
	var all []string
	for _, s := range ranking {
		all = append(all, s.Source)
	}
	return all
}

// watched returns a source behind what a ranking reads.
func watched(s upstream.Upstream) upstream.Upstream {
	circuit := breaker.Circuit(&breaker.CircuitOptions{ConsecutiveFailures: 1, OpenFor: 10 * time.Minute})
	return upstream.Chain(s, circuit, upstream.Meter())
}

// The best comes first: by health, then by what is missing, then by what to
// expect. Where nothing tells sources apart, their order stays.
func TestRank(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const ms = time.Millisecond
		takes := func(l *lister, d time.Duration) *lister { l.takes = d; return l }
		all := []*lister{
			takes(listing("out", "v1.0.0", "v1.1.0"), ms),
			takes(listing("on trial", "v1.0.0", "v1.1.0"), ms),
			takes(listing("behind", "v1.0.0"), ms),
			takes(listing("slow", "v1.0.0", "v1.1.0"), 50*ms),
			takes(listing("fast", "v1.0.0", "v1.1.0"), 5*ms),
			listing("unknown"),
			listing("unknown too"),
		}
		all[5].fails(upstream.Error{Class: upstream.NotFound})
		all[6].fails(upstream.Error{Class: upstream.NotFound})
		var sources []upstream.Upstream
		for _, l := range all {
			sources = append(sources, watched(l))
		}
		p := probing(t, &breaker.ProbeOptions{Every: time.Hour}, sources...)
		time.Sleep(time.Second)
		all[1].fails(upstream.Error{})
		askTimes(t, sources[1], 1)
		time.Sleep(10 * time.Minute)
		all[0].fails(upstream.Error{})
		askTimes(t, sources[0], 1)

		want := []string{"fast", "slow", "behind", "unknown", "unknown too", "on trial", "out"} // who has no list lacks more
		if diff := cmp.Diff(want, names(breaker.Rank(sources, p))); diff != "" {
			t.Errorf("with a prober (-want +got):\n%s", diff)
		}
		want = []string{"behind", "fast", "slow", "unknown", "unknown too", "on trial", "out"}
		if diff := cmp.Diff(want, names(breaker.Rank(sources, nil))); diff != "" {
			t.Errorf("without (-want +got):\n%s", diff)
		}
	})
}

// A standing holds what the circuit, the meter and the prober know.
func TestStanding(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one, two, three := listing("one", "v1.0.0"), listing("two", "v1.0.0", "v1.1.0"), listing("three")
		one.takes, two.takes = 10*time.Millisecond, 10*time.Millisecond
		three.fails(upstream.Error{Class: upstream.NotFound})
		sources := []upstream.Upstream{watched(one), watched(two), watched(three)}
		p := probing(t, nil, sources...)
		time.Sleep(time.Second)
		two.fails(upstream.Error{Status: 500})
		ask(t.Context(), t, sources[1], zipKey)
		time.Sleep(36 * time.Second)

		got := map[string]breaker.Standing{}
		for _, s := range breaker.Rank(sources, p) {
			got[s.Source] = s
		}
		type summary struct {
			Small, Zips     upstream.HealthState
			Answers, Failed int64 // of small files, of zips
			Missing         int
			Failing         bool
		}
		want := map[string]summary{
			"one":   {Answers: 2, Missing: 1},
			"two":   {Small: upstream.Out, Zips: upstream.Out, Answers: 1, Failed: 1, Failing: true},
			"three": {Missing: 2},
		}
		sums := map[string]summary{}
		for name, s := range got {
			sums[name] = summary{
				s.Health[upstream.SmallFiles].State, s.Health[upstream.Zips].State,
				s.Figures[upstream.SmallFiles].Answers, s.Figures[upstream.Zips].Failures, s.Missing, s.ProbeError != nil,
			}
			if s.Probed.IsZero() {
				t.Errorf("%s was never probed", name)
			}
		}
		if diff := cmp.Diff(want, sums); diff != "" {
			t.Errorf("standings (-want +got):\n%s", diff)
		}
		for _, s := range breaker.Rank(sources, nil) {
			if !s.Probed.IsZero() || s.ProbeError != nil || s.Missing != 0 {
				t.Errorf("without a prober: %+v", s)
			}
		}
	})
}

// What to expect of a source is its average, longer for what it fails at and
// for what it lacks.
func TestStandingExpected(t *testing.T) {
	const ms = time.Millisecond
	tests := []struct {
		name string
		f    upstream.Figures
		want time.Duration
	}{
		{"nothing known", upstream.Figures{}, 0},
		{"only failures", upstream.Figures{Failures: 5, FirstByte: upstream.Percentiles{P50: time.Second}}, 0},
		{"all is well", upstream.Figures{Answers: 10, FirstByte: upstream.Percentiles{P50: 20 * ms}}, 20 * ms},
		{"half fails", upstream.Figures{Answers: 5, Failures: 5, FirstByte: upstream.Percentiles{P50: 20 * ms}}, 40 * ms},
		{"a fifth is lacking", upstream.Figures{Answers: 8, Lacking: 2, FirstByte: upstream.Percentiles{P50: 20 * ms}}, 25 * ms},
		{"both", upstream.Figures{Answers: 8, Lacking: 2, Failures: 8, FirstByte: upstream.Percentiles{P50: 20 * ms}}, 50 * ms},
		{"what nobody has is nobody's fault", upstream.Figures{Answers: 8, NotFound: 90, FirstByte: upstream.Percentiles{P50: 20 * ms}}, 20 * ms},
	}
	for _, test := range tests {
		var s breaker.Standing
		s.Figures[upstream.Zips] = upstream.Figures{Answers: 1, FirstByte: upstream.Percentiles{P50: time.Hour}}
		s.Figures[upstream.SmallFiles] = test.f
		if got := s.Expected(); got != test.want {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}

// A source that nothing is known of, for it is behind no middleware, is ranked
// all the same, and in the order that was given.
func TestRankOfBareSources(t *testing.T) {
	bare := upstream.Func(func(context.Context, upstream.Request) (*upstream.Response, error) { return nil, nil })
	sources := []upstream.Upstream{bare}
	working, out := []string{"upstream.Func"}, []string{}
	for i := range 60 {
		name := fmt.Sprint("proxy ", i)
		if i%3 > 0 {
			sources = append(sources, &source{name: name})
			working = append(working, name)
			continue
		}
		broken := watched(down(name))
		askTimes(t, broken, 1)
		sources = append(sources, broken)
		out = append(out, name)
	}
	if diff := cmp.Diff(append(working, out...), names(breaker.Rank(sources, nil))); diff != "" {
		t.Errorf("ranking (-want +got):\n%s", diff)
	}
}
