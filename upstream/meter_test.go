package upstream_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
)

// figuresOf returns what a meter says of small files.
func figuresOf(t *testing.T, u upstream.Upstream) upstream.Figures {
	t.Helper()
	figures, ok := upstream.FiguresOf(u, upstream.SmallFiles)
	if !ok {
		t.Fatal("there is no meter")
	}
	return figures
}

func TestMeter(t *testing.T) {
	first := func(n int, p50, p95 time.Duration) upstream.Percentiles {
		return upstream.Percentiles{Count: n, P50: p50, P95: p95}
	}
	of := func(class upstream.Class) *upstream.Error { return &upstream.Error{Class: class} }
	tests := []struct {
		name  string
		calls []actor
		want  upstream.Figures
	}{
		{"nothing", nil, upstream.Figures{}},
		{"an answer", []actor{{takes: 100 * ms}},
			upstream.Figures{Answers: 1, FirstByte: first(1, 100*ms, 100*ms), Average: 100 * ms}},
		{"first byte before the end", []actor{{takes: 100 * ms, first: 30 * ms}},
			upstream.Figures{Answers: 1, FirstByte: first(1, 30*ms, 30*ms), Average: 30 * ms}},
		{"moving average", []actor{{takes: 100 * ms}, {takes: 200 * ms}},
			upstream.Figures{Answers: 2, FirstByte: first(2, 100*ms, 200*ms), Average: 121101383}},
		{"not found", []actor{{takes: 100 * ms, err: missing}}, upstream.Figures{NotFound: 1}},
		{"fast failure", []actor{{takes: ms, err: down}}, upstream.Figures{Failures: 1, Average: time.Second}},
		{"slow failure", []actor{{takes: 3 * time.Second, err: of(upstream.Timeout)}}, upstream.Figures{Failures: 1, Average: 3 * time.Second}},
		{"lie", []actor{{err: of(upstream.Untrusted)}}, upstream.Figures{Failures: 1, Average: time.Second}},
		{"our own limit", []actor{{err: of(upstream.Overloaded)}}, upstream.Figures{}},
		{"canceled", []actor{{err: of(upstream.Canceled)}}, upstream.Figures{}},
		{"failure after an answer", []actor{{takes: 100 * ms}, {err: down}},
			upstream.Figures{Answers: 1, Failures: 1, FirstByte: first(1, 100*ms, 100*ms), Average: 280 * ms}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage()
				a := &actor{name: "a"}
				u := upstream.Meter()(a)
				for _, call := range test.calls {
					*a = call
					a.stage = s
					s.play(t.Context(), t, u, "a.b/c/@latest")
				}
				if diff := cmp.Diff(test.want, figuresOf(t, u)); diff != "" {
					t.Errorf("figures (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// What ends before the first byte says that it would have taken at least so
// long, if it was the source that was too slow.
func TestMeterOfCallsThatAreCutOff(t *testing.T) {
	one := upstream.Figures{FirstByte: upstream.Percentiles{Count: 1, P50: 700 * ms, P95: 700 * ms}, Average: 700 * ms}
	tests := []struct {
		name   string
		cause  error
		report func(*upstream.Progress)
		want   upstream.Figures
	}{
		{"outpaced", upstream.ErrOutpaced, func(*upstream.Progress) {}, one},
		{"caller has gone", nil, func(*upstream.Progress) {}, upstream.Figures{}},
		{"outpaced after its first byte", upstream.ErrOutpaced, func(p *upstream.Progress) {
			time.Sleep(100 * ms)
			p.FirstByte()
		}, upstream.Figures{}},
		{"outpaced in our queue", upstream.ErrOutpaced, (*upstream.Progress).Queued, upstream.Figures{}},
		{"outpaced after our queue", upstream.ErrOutpaced, func(p *upstream.Progress) {
			p.Queued()
			time.Sleep(time.Minute)
			p.Asked()
		}, one},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancelCause(t.Context())
				u := upstream.Meter()(upstream.Func(func(ctx context.Context, req upstream.Request) (*upstream.Response, error) {
					test.report(upstream.ProgressOf(ctx))
					time.AfterFunc(700*ms, func() { cancel(test.cause) })
					<-ctx.Done()
					return nil, upstream.ContextError(ctx, req, "a")
				}))
				u.Fetch(ctx, request(t, "a.b/c/@latest"))
				if diff := cmp.Diff(test.want, figuresOf(t, u)); diff != "" {
					t.Errorf("figures (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// Percentiles are of the latest answers, and each lane has its own.
func TestMeterWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage()
		a := &actor{name: "a", stage: s}
		u := upstream.Meter()(a)
		for i := range 164 {
			a.takes = time.Duration(i+1) * ms // the latest 64 take 101 to 164 ms
			s.play(t.Context(), t, u, "a.b/c/@latest")
		}
		want := upstream.Percentiles{Count: 64, P50: 132 * ms, P95: 161 * ms}
		if diff := cmp.Diff(want, figuresOf(t, u).FirstByte); diff != "" {
			t.Errorf("percentiles (-want +got):\n%s", diff)
		}
		s.play(t.Context(), t, u, "a.b/c/@v/v1.0.0.zip")
		for lane, want := range map[upstream.Lane]int64{upstream.SmallFiles: 164, upstream.Zips: 1, upstream.SumDBs: 0} {
			if got, _ := upstream.FiguresOf(u, lane); got.Answers != want {
				t.Errorf("%v: %d answers, want %d", lane, got.Answers, want)
			}
		}
	})
}

func TestMeterInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage()
		u := upstream.Meter()(on(s, actor{name: "a", takes: time.Second})[0])
		for range 3 {
			go s.play(t.Context(), t, u, "a.b/c/@latest")
		}
		synctest.Wait()
		during := figuresOf(t, u).InFlight
		time.Sleep(2 * time.Second)
		if after := figuresOf(t, u).InFlight; during != 3 || after != 0 {
			t.Errorf("%d in flight, then %d, want 3 and 0", during, after)
		}
	})
}

// Where nobody inside reports the first byte, the end of the answer is it.
func TestMeterReportsTheFirstByte(t *testing.T) {
	ctx, progress := upstream.WithProgress(t.Context())
	if _, err := upstream.Meter()(&source{name: "a"}).Fetch(ctx, request(t, "a.b/c/@latest")); err != nil || !progress.Begun() {
		t.Errorf("error %v, begun %v", err, progress.Begun())
	}
}
