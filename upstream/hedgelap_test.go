package upstream_test

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
)

// The waits between laps become longer, and a source that has said when it wants
// to be asked again is left alone until then.
func TestHedgeLaps(t *testing.T) {
	asking := func(class upstream.Class, status int, wait time.Duration) *upstream.Error {
		return &upstream.Error{Class: class, Status: status, RetryAfter: wait}
	}
	tests := []struct {
		name string
		err  *upstream.Error // that a always fails with
		end  time.Duration   // when b, which is silent, answers
		want []string
	}{
		{"nobody has waited long", down, 500 * ms, askedAt("0s")},
		{"twice as long each time", down, 3 * time.Second,
			askedAt("0s", "550ms", "650ms", "850ms", "1.25s", "2.05s")},
		{"up to the longest, twelve times", down, time.Hour,
			askedAt("0s", "550ms", "650ms", "850ms", "1.25s", "2.05s", "3.65s", "5.65s", "7.65s", "9.65s", "11.65s", "13.65s", "15.65s")},
		{"leave me alone", asking(upstream.Unavailable, 429, 700*ms), 1900 * ms, askedAt("0s", "750ms", "1.45s")},
		{"for long", asking(upstream.Unavailable, 503, time.Hour), 59 * time.Minute, askedAt("0s")},
		{"an open circuit does not decide", asking(upstream.Unavailable, 0, time.Hour), 1200 * ms, askedAt("0s", "550ms", "650ms", "850ms")},
		{"an answer is an answer", asking(upstream.Unavailable, 400, 0), time.Hour, askedAt("0s")},
	}
	for _, test := range tests {
		synctest.Test(t, func(t *testing.T) {
			s := newStage()
			a := on(s, actor{name: "a", err: test.err})[0]
			b := on(newStage(), actor{name: "b", takes: test.end})[0]
			u := upstream.Hedge(upstream.Mirrors(a, b), steady)
			s.play(t.Context(), t, u, "a.b/c/@latest")
			upstream.Drain(u)
			if diff := cmp.Diff(test.want, s.asked()); diff != "" {
				t.Errorf("%s (-want +got):\n%s", test.name, diff)
			}
		})
	}
}

// Only laps in which somebody is asked count: one who wanted to be left alone for
// long is asked in the end.
func TestHedgeLapsThatAskNobodyDoNotCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int64
		a := moody(&asked, actor{err: &upstream.Error{Status: 503, RetryAfter: 10 * time.Minute}}, actor{name: "a"})
		b := on(newStage(), actor{name: "b", takes: never})[0]
		u := upstream.Hedge(upstream.Mirrors(a, b), steady)
		s := newStage()
		s.play(t.Context(), t, u, "a.b/c/@latest")
		upstream.Drain(u)
		if took := time.Since(s.begun); asked.Load() != 2 || took < 10*time.Minute || took > 10*time.Minute+3*time.Second {
			t.Errorf("took %v, after asking %d times", took, asked.Load())
		}
	})
}

// A connection that hangs is not waited for, though there is no other source.
func TestHedgeOfOneSource(t *testing.T) {
	elsewhere := upstream.Route{Patterns: "x.y", Upstream: upstream.Off()}
	for name, around := range map[string]func(a upstream.Upstream) upstream.Upstream{
		"bare": func(a upstream.Upstream) upstream.Upstream { return a },
		"rest": func(a upstream.Upstream) upstream.Upstream { return upstream.Routes(a, elsewhere) },
		"route": func(a upstream.Upstream) upstream.Upstream {
			return upstream.Routes(upstream.Off(), upstream.Route{Patterns: "a.b", Upstream: a})
		},
		"routes in a group": func(a upstream.Upstream) upstream.Upstream { return upstream.Mirrors(upstream.Routes(a)) },
		"list":              func(a upstream.Upstream) upstream.Upstream { return joined("", a) },
		"before direct":     func(a upstream.Upstream) upstream.Upstream { return joined("|", a, upstream.Direct()) },
		"behind off":        func(a upstream.Upstream) upstream.Upstream { return upstream.Mirrors(a, upstream.Off()) },
	} {
		synctest.Test(t, func(t *testing.T) {
			var asked atomic.Int64
			s := newStage()
			a := moody(&asked, actor{name: "a", takes: never, stage: s}, actor{name: "a", stage: s})
			u := upstream.Hedge(around(a), steady)
			s.play(t.Context(), t, u, "a.b/c/@latest")
			upstream.Drain(u)
			want := []string{"0s a asked", "5.05s a answers", "5.05s a asked", "5.05s a closed", "5.05s a left", "5.05s caller: a"}
			if diff := cmp.Diff(want, s.script()); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
		})
	}
}

// A loser was outpaced if it has shown that it is slower than the winner; of others
// there is nothing to be learnt, nor of a source that beat itself.
func TestHedgeVerdict(t *testing.T) {
	tests := []struct {
		name   string
		actors []actor
		want   string // how the loser ends
	}{
		{"silent for much longer", []actor{{name: "a", takes: never}, {name: "b", takes: 400 * ms}}, "900ms a outpaced"},
		{"silent for half as long again", []actor{{name: "a", takes: never}, {name: "b", takes: time.Second}}, "1.5s a outpaced"},
		{"silent for hardly longer", []actor{{name: "a", takes: never}, {name: "b", takes: 1200 * ms}}, "1.7s a left"},
		{"sending", []actor{{name: "a", takes: 1200 * ms}, {name: "b", takes: never, first: 600 * ms}}, "1.2s b outpaced"},
		{"overdue, but not for as long as the winner", []actor{{name: "a", takes: 1900 * ms}, {name: "b", takes: never}}, "1.9s b left"},
		{"not overdue", []actor{{name: "a", takes: 700 * ms, first: 600 * ms}, {name: "b", takes: never}}, "700ms b left"},
		{"winner was silent for less", []actor{{name: "a", takes: 1900 * ms, first: 600 * ms}, {name: "b", takes: never}}, "1.9s b outpaced"},
		{"slow body", []actor{{name: "a", takes: never, first: 100 * ms, slow: 200 * ms}, {name: "b", takes: 100 * ms}}, "300ms a outpaced"},
		{"slow body that wins", []actor{{name: "a", takes: 900 * ms, first: 100 * ms, slow: 200 * ms}, {name: "b", takes: never, first: 100 * ms}}, "900ms b outpaced"},
		{"slow bodies", []actor{{name: "a", takes: never, first: 100 * ms, slow: 200 * ms}, {name: "b", takes: 900 * ms, first: 100 * ms, slow: 200 * ms}}, "1.1s a left"},
	}
	for _, test := range tests {
		synctest.Test(t, func(t *testing.T) {
			s := newStage()
			u := upstream.Hedge(upstream.Mirrors(on(s, test.actors...)...), steady)
			s.play(t.Context(), t, u, "a.b/c/@latest")
			upstream.Drain(u)
			if got := s.ends(); len(got) != 1 || got[0] != test.want {
				t.Errorf("%s: %q, want %q in %q", test.name, got, test.want, s.script())
			}
		})
	}
}

// Who wants no hedges has none of these either.
func TestHedgeLapsAreOffWithoutBurst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage()
		u := upstream.Hedge(on(s, actor{name: "a", takes: time.Hour})[0], &upstream.HedgeOptions{Burst: -1})
		s.play(t.Context(), t, u, "a.b/c/@latest")
		upstream.Drain(u)
		if diff := cmp.Diff(askedAt("0s"), s.asked()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}
