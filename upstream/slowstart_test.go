package upstream_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
)

// orderIs is a Balance that always says the same.
type orderIs []int

func (o orderIs) Order(upstream.Request, []upstream.Candidate) []int { return o }

// asks returns whom a group of members that all fail asks, as letters.
func asks(t *testing.T, opts *upstream.MirrorsOptions, members ...upstream.Member) (order string) {
	s := newStage()
	for i := range members {
		a := *members[i].Upstream.(*actor)
		a.name, a.err, a.stage = string(rune('a'+i)), &upstream.Error{Class: upstream.Denied}, s
		members[i].Upstream = &a
	}
	e := s.play(t.Context(), t, upstream.NewMirrors(opts, members...), "a.b/c/@latest")
	for _, attempt := range e.Attempts {
		order += attempt.Source
	}
	return order
}

func member(state upstream.HealthState, backup bool) upstream.Member {
	return upstream.Member{Upstream: &actor{health: upstream.Health{State: state}}, Backup: backup}
}

// The state of the members goes before any balance.
func TestMirrorsPlaces(t *testing.T) {
	working, backup := member(upstream.Working, false), member(upstream.Working, true)
	out, onTrial := member(upstream.Out, false), member(upstream.OnTrial, false)
	tests := []struct {
		name    string
		balance upstream.Balance
		members []upstream.Member
		want    string
	}{
		{"in order", nil, []upstream.Member{working, working, working}, "abc"},
		{"balanced", orderIs{2, 0, 1}, []upstream.Member{working, working, working}, "cab"},
		{"balance leaves some out", orderIs{2}, []upstream.Member{working, working, working}, "cab"},
		{"balance is out of its mind", orderIs{7, 1, -1, 1, 3}, []upstream.Member{working, working, working}, "bac"},
		{"balance says nothing", orderIs(nil), []upstream.Member{working, working}, "ab"},
		{"backup is last", nil, []upstream.Member{backup, working, working}, "bca"},
		{"backup is last whatever the balance says", orderIs{1, 0, 2}, []upstream.Member{backup, working, working}, "cba"},
		{"who is out is last", nil, []upstream.Member{out, working, backup}, "bca"},
		{"backup that is out", nil, []upstream.Member{member(upstream.Out, true), out, working}, "cab"},
		{"all are out", nil, []upstream.Member{out, out}, "ab"},
		{"on trial it has its place", nil, []upstream.Member{onTrial, working}, "ab"},
		{"backups keep their order", orderIs{1, 0}, []upstream.Member{working, working, backup, backup}, "bacd"},
		{"unless there is nobody else", orderIs{1, 0}, []upstream.Member{backup, backup}, "ba"},
	}
	for _, test := range tests {
		if got := asks(t, &upstream.MirrorsOptions{Balance: test.balance}, test.members...); got != test.want {
			t.Errorf("%s: asked %s, want %s", test.name, got, test.want)
		}
	}
}

// A member that has come back is given more and more of its part.
func TestSlowStart(t *testing.T) {
	tests := []struct {
		name        string
		opts        *upstream.MirrorsOptions
		back        time.Duration // ago
		least, most int           // how often it is asked first, of 800 times
	}{
		{"at once", nil, 0, 40, 120},
		{"after a second", nil, time.Second, 40, 120},
		{"after half of the time", nil, 10 * time.Second, 320, 480},
		{"after most of the time", nil, 18 * time.Second, 670, 770},
		{"in the end", nil, 20 * time.Second, 800, 800},
		{"long ago", nil, time.Hour, 800, 800},
		{"slower", &upstream.MirrorsOptions{SlowStart: 40 * time.Second}, 20 * time.Second, 320, 480},
		{"off", &upstream.MirrorsOptions{SlowStart: -1}, 0, 800, 800},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				count := make(map[string]int)
				back := member(upstream.Working, false)
				back.Upstream.(*actor).health.Back = time.Now().Add(-test.back)
				for range 800 {
					count[asks(t, test.opts, back, member(upstream.Working, false), member(upstream.Working, true), member(upstream.Out, false))]++
				}
				if n := count["abcd"]; n < test.least || n > test.most || n+count["bacd"] != 800 {
					t.Errorf("got %v, want %d to %d of abcd and the rest bacd", count, test.least, test.most)
				}
			})
		})
	}
}

// A balance is told of weights, names and figures.
func TestMirrorsCandidates(t *testing.T) {
	var got []upstream.Candidate
	spy := spyBalance(func(cs []upstream.Candidate) { got = cs })
	metered := upstream.Meter()(&source{name: "b", err: missing})
	u := upstream.NewMirrors(&upstream.MirrorsOptions{Balance: spy},
		upstream.Member{Upstream: &source{name: "a", err: missing}, Weight: -3}, upstream.Member{Upstream: metered, Weight: 3})
	for range 2 {
		u.Fetch(t.Context(), request(t, "a.b/c/@latest"))
	}
	want := []upstream.Candidate{{Source: "a", Weight: 1}, {Source: "b", Weight: 3, Figures: upstream.Figures{NotFound: 1}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("candidates (-want +got):\n%s", diff)
	}
}

type spyBalance func([]upstream.Candidate)

func (s spyBalance) Order(_ upstream.Request, cs []upstream.Candidate) []int { s(cs); return nil }

// A slow start begins when the trial is over.
func TestSlowStartIsNotForTrials(t *testing.T) {
	back := member(upstream.OnTrial, false)
	back.Upstream.(*actor).health.Back = time.Now()
	for range 50 {
		if got := asks(t, nil, back, member(upstream.Working, false)); got != "ab" {
			t.Fatalf("asked %s, want ab", got)
		}
	}
}
