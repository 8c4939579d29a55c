package upstream_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
)

func TestProgress(t *testing.T) {
	type seen struct {
		Begun, Slow bool
		Waited      time.Duration
	}
	tests := []struct {
		name    string
		reports []func(*upstream.Progress) // a second before each, and before the end
		want    seen
	}{
		{"nothing", nil, seen{Waited: time.Second}},
		{"queued", []func(*upstream.Progress){(*upstream.Progress).Queued}, seen{}},
		{"asked", []func(*upstream.Progress){(*upstream.Progress).Queued, (*upstream.Progress).Asked}, seen{Waited: time.Second}},
		{"first byte", []func(*upstream.Progress){(*upstream.Progress).FirstByte}, seen{Begun: true, Waited: time.Second}},
		{"only the first byte counts", []func(*upstream.Progress){(*upstream.Progress).FirstByte, (*upstream.Progress).FirstByte}, seen{Begun: true, Waited: time.Second}},
		{"asked late", []func(*upstream.Progress){(*upstream.Progress).Asked, (*upstream.Progress).FirstByte}, seen{Begun: true, Waited: time.Second}},
		{"slow", []func(*upstream.Progress){(*upstream.Progress).FirstByte, (*upstream.Progress).Slow}, seen{Begun: true, Slow: true, Waited: time.Second}},
	}
	for _, test := range tests {
		synctest.Test(t, func(t *testing.T) {
			outer, far := upstream.WithProgress(t.Context())
			inner, near := upstream.WithProgress(outer)
			for _, report := range test.reports {
				time.Sleep(time.Second)
				report(upstream.ProgressOf(inner))
			}
			time.Sleep(time.Second)
			for who, p := range map[string]*upstream.Progress{"near": near, "far": far} {
				got := seen{p.Begun(), p.IsSlow(), p.Waited()}
				want := test.want
				if test.reports == nil {
					want.Waited = time.Second
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s, %s (-want +got):\n%s", test.name, who, diff)
				}
			}
		})
	}
}

// What is said of the outer call is not said of one that is made for it.
func TestProgressDoesNotGoInwards(t *testing.T) {
	outer, far := upstream.WithProgress(t.Context())
	_, near := upstream.WithProgress(outer)
	far.FirstByte()
	far.Slow()
	if near.Begun() || near.IsSlow() {
		t.Error("the inner call has heard of it")
	}
}

func TestNoProgress(t *testing.T) {
	p := upstream.ProgressOf(context.Background())
	p.Queued()
	p.Asked()
	p.FirstByte()
	p.Slow()
	if p != nil || p.Begun() || p.IsSlow() || p.Waited() != 0 {
		t.Error("there is progress without anybody")
	}
}

func TestPriority(t *testing.T) {
	now := upstream.Background
	ctx := upstream.WithPriority(t.Context(), func() upstream.Priority { return now })
	before := upstream.PriorityOf(ctx)
	now = upstream.Interactive
	if before != upstream.Background || upstream.PriorityOf(ctx) != upstream.Interactive || upstream.PriorityOf(t.Context()) != upstream.Interactive {
		t.Errorf("priority was %v, is %v, and %v without one", before, upstream.PriorityOf(ctx), upstream.PriorityOf(t.Context()))
	}
}

func TestLanesAndHealthHaveNames(t *testing.T) {
	var got []string
	for _, key := range []string{"a.b/c/@v/list", "a.b/c/@latest", "a.b/c/@v/v1.0.0.info", "a.b/c/@v/v1.0.0.mod", "a.b/c/@v/v1.0.0.zip", "sumdb/sum.example/latest", "sumdb/sum.example/lookup/a.b/c@v1.0.0"} {
		got = append(got, request(t, key).Kind().Lane().String())
	}
	for _, state := range []upstream.HealthState{upstream.Working, upstream.OnTrial, upstream.Out, 77} {
		got = append(got, state.String())
	}
	want := []string{"small files", "small files", "small files", "small files", "zips", "checksum database", "checksum database", "working", "on trial", "out", "out"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	health := upstream.Health{State: upstream.Out}
	if got := upstream.HealthOf(upstream.Meter()(&actor{health: health}), upstream.Zips); got != health {
		t.Errorf("health behind middleware is %+v", got)
	}
	if got := upstream.HealthOf(upstream.Mirrors(&actor{health: health}), upstream.Zips); got != (upstream.Health{}) {
		t.Errorf("health of a group is %+v", got)
	}
}
