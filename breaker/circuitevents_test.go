package breaker_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/breaker"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
)

// A changeLog notes the changes that a circuit reports, as "working -> out".
type changeLog struct {
	mu   sync.Mutex
	seen []string
	whys []error
}

func (l *changeLog) note(c breaker.CircuitChange) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seen = append(l.seen, c.From.String()+" -> "+c.To.String())
	l.whys = append(l.whys, c.Reason)
}

const (
	goesOut     = "working -> out"
	onTrial     = "out -> on trial"
	outAgain    = "on trial -> out"
	comesBack   = "on trial -> working"
	backByOther = "out -> working"
)

// A script is played at times counted in seconds. Each change is told once and
// in order, each from where the one before led to.
func TestCircuitChanges(t *testing.T) {
	type step struct {
		at   int
		what byte          // the source works (S), fails (F), or what it does says nothing (n)
		last bool          // it is asked as a last resort
		long time.Duration // takes so long
	}
	tests := []struct {
		name  string
		steps []step
		want  []string
	}{
		{"nothing", []step{{0, 'S', false, 0}}, nil},
		{"out", []step{{0, 'F', false, 0}, {1, 'F', false, 0}}, []string{goesOut}},
		{"back", []step{{0, 'F', false, 0}, {10, 'S', false, 0}, {11, 'S', false, 0}}, []string{goesOut, onTrial, comesBack}},
		{"out again", []step{{0, 'F', false, 0}, {10, 'F', false, 0}, {20, 'F', false, 0}},
			[]string{goesOut, onTrial, outAgain, onTrial, outAgain}},
		{"a probe that says nothing", []step{{0, 'F', false, 0}, {10, 'n', false, 0}, {11, 'S', false, 0}},
			[]string{goesOut, onTrial, comesBack}},
		{"last resorts that come to nothing", []step{{0, 'F', false, 0}, {2, 'F', true, 0}, {4, 'F', true, 0}}, []string{goesOut}},
		{"a last resort that says nothing", []step{{0, 'F', false, 0}, {2, 'n', true, 0}, {11, 'S', false, 0}},
			[]string{goesOut, backByOther}},
		{"a last resort that closes", []step{{0, 'F', false, 0}, {2, 'S', true, 0}, {3, 'F', false, 0}},
			[]string{goesOut, backByOther, goesOut}},
		{"a last resort that fails late", []step{{0, 'F', false, 0}, {8, 'F', true, 5 * time.Second}, {30, 'S', false, 0}},
			[]string{goesOut, onTrial, comesBack}},
		{"a last resort that succeeds late", []step{{0, 'F', false, 0}, {8, 'S', true, 5 * time.Second}},
			[]string{goesOut, backByOther}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log changeLog
				s := &source{name: "proxy"}
				u := breaker.Circuit(&breaker.CircuitOptions{ConsecutiveFailures: 1, OnChange: log.note})(s)
				start := time.Now()
				for _, step := range test.steps {
					time.Sleep(time.Until(start.Add(time.Duration(step.at) * time.Second)))
					s.takes = step.long
					switch step.what {
					case 'S':
						s.works()
					case 'F':
						s.fails(upstream.Error{})
					case 'n':
						s.fails(upstream.Error{Class: upstream.Overloaded})
					}
					asker := u
					if step.last {
						asker = lastResort(u)
					}
					askTimes(t, asker, 1)
				}
				if diff := cmp.Diff(test.want, log.seen); diff != "" {
					t.Errorf("changes (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// A change says of whom it is, when it came, and why; coming back has no reason.
func TestCircuitChangeInFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got []breaker.CircuitChange
		s := down("proxy")
		u := breaker.Circuit(&breaker.CircuitOptions{
			ConsecutiveFailures: 1, OnChange: func(c breaker.CircuitChange) { got = append(got, c) },
		})(s)
		ask(t.Context(), t, u, zipKey)
		opened := time.Now()
		time.Sleep(12 * time.Second)
		s.works()
		ask(t.Context(), t, u, zipKey)
		want := []breaker.CircuitChange{
			{Source: "proxy", Lane: upstream.Zips, From: upstream.Working, To: upstream.Out, At: opened, Until: opened.Add(10 * time.Second)},
			{Source: "proxy", Lane: upstream.Zips, From: upstream.Out, To: upstream.OnTrial, At: time.Now()},
			{Source: "proxy", Lane: upstream.Zips, From: upstream.OnTrial, To: upstream.Working, At: time.Now()},
		}
		reason := cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".Reason" }, cmp.Ignore())
		if diff := cmp.Diff(want, got, reason); diff != "" {
			t.Fatalf("changes (-want +got):\n%s", diff)
		}
		wantError(t, &upstream.Error{Request: request(t, zipKey), Source: "proxy"}, got[0].Reason)
		if got[1].Reason != nil || got[2].Reason != nil {
			t.Errorf("reasons for coming back: %v, %v", got[1].Reason, got[2].Reason)
		}
	})
}

// Whoever is told may ask for the health, or for a file.
func TestCircuitChangeHoldsNoLock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := down("proxy")
		var u upstream.Upstream
		told := 0
		u = breaker.Circuit(&breaker.CircuitOptions{
			ConsecutiveFailures: 1,
			OnChange: func(c breaker.CircuitChange) {
				told++
				if got := upstream.HealthOf(u, c.Lane).State; got != upstream.Out {
					t.Errorf("%v: the health is %v", c.Lane, got)
				}
				if !isOpen(t, u) {
					t.Error("the circuit is closed")
				}
				u.(interface{ Strike(upstream.Kind, error) }).Strike(upstream.Zip, errors.New("a lie"))
			},
		})(s)
		askTimes(t, u, 1)
		if told != 2 { // of the small files, and from the callback of the zips
			t.Errorf("told %d times", told)
		}
	})
}

// Under load each change is still told once.
func TestCircuitChangesUnderLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log changeLog
		s := down("proxy")
		s.takes = time.Millisecond
		u := breaker.Circuit(&breaker.CircuitOptions{OnChange: log.note})(s)
		surge(t, u, 100, 10)
		time.Sleep(10 * time.Second)
		s.works()
		surge(t, u, 100, 10)
		if diff := cmp.Diff([]string{goesOut, onTrial, comesBack}, log.seen); diff != "" {
			t.Errorf("changes (-want +got):\n%s", diff)
		}
	})
}

// A strike is told like a failure, with the lie as the reason.
func TestStrikeIsTold(t *testing.T) {
	var log changeLog
	u := breaker.Circuit(&breaker.CircuitOptions{OnChange: log.note})(&source{name: "proxy"})
	lie := errors.New("a wrong tile")
	u.(interface{ Strike(upstream.Kind, error) }).Strike(upstream.SumDBTile, lie)
	if diff := cmp.Diff([]string{goesOut}, log.seen); diff != "" {
		t.Fatalf("changes (-want +got):\n%s", diff)
	}
	wantError(t, &upstream.Error{Class: upstream.Untrusted, Source: "proxy", Err: lie}, log.whys[0])
}

// Even a call that panics tells what it has changed.
func TestCircuitChangeOfAPanic(t *testing.T) {
	var log changeLog
	s := &source{name: "proxy", answer: func(context.Context, upstream.Request) error { panic("oops") }}
	u := breaker.Circuit(&breaker.CircuitOptions{ConsecutiveFailures: 1, OnChange: log.note})(s)
	caught(t, u)
	if diff := cmp.Diff([]string{goesOut}, log.seen); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
}
