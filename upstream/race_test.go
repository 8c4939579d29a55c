package upstream_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
)

// Whatever the sources do, a caller who goes is told so at once.
func TestRaceEndsWithTheCaller(t *testing.T) {
	tests := []struct {
		name     string
		deadline time.Duration // 0: the caller goes at 800 ms
		actors   []actor
		class    upstream.Class
		want     []string
	}{
		{"deadline, all silent", 300 * ms, []actor{{name: "a", takes: never}, {name: "b"}}, upstream.Timeout,
			[]string{"0s a asked", "300ms a left", "300ms caller: timeout"}},
		{"goes, all silent", 0, []actor{{name: "a", takes: never}, {name: "b", takes: never}}, upstream.Canceled,
			[]string{"0s a asked", "500ms b asked", "800ms a left", "800ms b left", "800ms caller: canceled"}},
		{"goes after an absence", 0, []actor{{name: "a", err: missing}, {name: "b", takes: never}}, upstream.Canceled,
			[]string{"0s a asked", "0s a not found", "0s b asked", "800ms b left", "800ms caller: canceled"}},
		{"goes after a failure", 0, []actor{{name: "a", err: down}, {name: "b", takes: never}}, upstream.Canceled, nil},
		{"goes with one on trial", 0, []actor{{name: "a", takes: never, health: upstream.Health{State: upstream.OnTrial}}, {name: "b", takes: never}}, upstream.Canceled,
			[]string{"0s a asked", "0s b asked", "800ms a left", "800ms b left", "800ms caller: canceled"}},
	}
	for _, test := range tests {
		for _, group := range []string{"mirrors", "list"} {
			t.Run(test.name+", "+group, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := newStage()
					ctx, cancel := context.WithCancel(t.Context())
					if test.deadline > 0 {
						ctx, cancel = context.WithTimeout(t.Context(), test.deadline)
					} else {
						time.AfterFunc(800*ms, cancel)
					}
					defer cancel()
					u := upstream.Mirrors(on(s, test.actors...)...)
					if group == "list" {
						u = joined("||", on(s, test.actors...)...)
					}
					u = upstream.Hedge(u, steady)
					e := s.play(ctx, t, u, "a.b/c/@latest")
					upstream.Drain(u)
					if wantError(t, e, test.class); e.Request.Key() != "a.b/c/@latest" {
						t.Errorf("error is about %q", e.Request.Key())
					}
					if diff := cmp.Diff(test.want, s.script()); test.want != nil && diff != "" {
						t.Errorf("(-want +got):\n%s", diff)
					}
				})
			})
		}
	}
}

// Nor does a source that keeps others waiting go on for a caller who has gone.
func TestRaceOfASuspectEndsWithTheCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage()
		actors := on(s, actor{name: "a", takes: never}, actor{name: "b", takes: 400 * ms})
		u := upstream.Hedge(upstream.Mirrors(upstream.Meter()(actors[0]), actors[1]), steady)
		s.play(t.Context(), t, u, "a.b/c/@latest")
		synctest.Wait()
		s.begun, s.said = time.Now(), nil
		ctx, cancel := context.WithTimeout(t.Context(), 300*ms)
		defer cancel()
		wantError(t, s.play(ctx, t, u, "a.b/c/@latest"), upstream.Timeout)
		synctest.Wait()
		want := []string{"0s a asked", "0s b asked", "300ms a left", "300ms b left", "300ms caller: timeout"}
		if diff := cmp.Diff(want, s.script()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		upstream.Drain(u)
	})
}

// A caller who has gone before is not asked for.
func TestRaceForNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		s := newStage()
		u := upstream.Hedge(upstream.Mirrors(on(s, actor{name: "a"}, actor{name: "b"})...), steady)
		wantError(t, s.play(ctx, t, u, "a.b/c/@latest"), upstream.Canceled)
		upstream.Drain(u)
		if diff := cmp.Diff([]string{"0s caller: canceled"}, s.script()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// A source that breaks the rules is one that failed, hedged or not.
func TestRaceOfTheLawless(t *testing.T) {
	lawless := map[string]upstream.Func{
		"nothing": func(context.Context, upstream.Request) (*upstream.Response, error) { return nil, nil },
		"no body": func(context.Context, upstream.Request) (*upstream.Response, error) { return &upstream.Response{}, nil },
		"no class": func(context.Context, upstream.Request) (*upstream.Response, error) {
			return nil, errors.New("no class")
		},
		"panic": func(context.Context, upstream.Request) (*upstream.Response, error) { panic("at the disco") },
	}
	says := map[string]string{"nothing": "neither", "no body": "neither", "no class": "no class", "panic": "at the disco"}
	for name, first := range lawless {
		for _, hedged := range []bool{false, true} {
			if name == "panic" && !hedged {
				continue // the caller sees it
			}
			for group, u := range map[string]upstream.Upstream{
				"mirrors": upstream.Mirrors(upstream.Meter()(first), &source{name: "b"}),
				"list":    joined("|", first, &source{name: "b"}),
				"alone":   upstream.Mirrors(first),
			} {
				if hedged {
					u = upstream.Hedge(u, steady)
				}
				resp, err := u.Fetch(t.Context(), request(t, "a.b/c/@latest"))
				switch {
				case group == "alone":
					if e := wantError(t, err, upstream.Unavailable); !strings.Contains(e.Error(), says[name]) {
						t.Errorf("%s, %s, hedged %v: error says %q", name, group, hedged, e)
					}
				case err != nil || resp.Source != "b":
					t.Errorf("%s, %s, hedged %v: answered by %+v, error %v", name, group, hedged, resp, err)
				}
				upstream.Drain(u)
			}
		}
	}
}

// The attempts are in the order of asking, not of failing.
func TestRaceOrderOfAttempts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage()
		u := upstream.Hedge(upstream.Mirrors(on(s,
			actor{name: "a", takes: 1200 * ms, err: down},
			actor{name: "b", takes: 600 * ms, err: &upstream.Error{Class: upstream.Denied}},
			actor{name: "c", takes: 10 * ms, err: &upstream.Error{Class: upstream.Denied}},
		)...), nil)
		e := s.play(t.Context(), t, u, "a.b/c/@latest")
		var got []string
		for _, a := range e.Attempts {
			got = append(got, a.Reason())
		}
		want := []string{"a: unavailable", "b: denied", "c: denied"}
		if diff := cmp.Diff(want, got); diff != "" || e.Source != "c" {
			t.Errorf("the error is %s's; attempts (-want +got):\n%s", e.Source, diff)
		}
	})
}

// Who has been asked again is one attempt: what it said last.
func TestRaceAttemptsOfThoseAskedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int64
		a := moody(&asked, actor{name: "a", err: down}, actor{name: "a", err: down}, actor{name: "a", err: &upstream.Error{Class: upstream.Denied}})
		b := on(newStage(), actor{name: "b", takes: 1500 * ms, err: down})[0]
		u := upstream.Hedge(upstream.Mirrors(a, b), steady)
		_, err := u.Fetch(t.Context(), request(t, "a.b/c/@latest"))
		upstream.Drain(u)
		var got []string
		for _, attempt := range upstream.AsError(err, upstream.Request{}, "").Attempts {
			got = append(got, attempt.Reason())
		}
		if diff := cmp.Diff([]string{"b: unavailable", "a: denied"}, got); diff != "" || asked.Load() != 3 {
			t.Errorf("a was asked %d times; attempts (-want +got):\n%s", asked.Load(), diff)
		}
	})
}
