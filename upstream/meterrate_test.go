package upstream_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
)

// A rate is that of the body alone: neither the wait for our own turn nor that
// for the first byte is in it.
func TestMeterRate(t *testing.T) {
	tests := []struct {
		name string
		size int64
		body time.Duration
		want float64
	}{
		{"large", 1 << 20, 2 * time.Second, 1 << 19},
		{"large enough", 64 << 10, time.Second, 64 << 10},
		{"too small", 64<<10 - 1, time.Second, 0},
		{"too fast", 1 << 20, 0, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				u := upstream.Meter()(upstream.Func(func(ctx context.Context, _ upstream.Request) (*upstream.Response, error) {
					p := upstream.ProgressOf(ctx)
					p.Queued()
					time.Sleep(time.Minute)
					p.Asked()
					time.Sleep(time.Second)
					p.FirstByte()
					time.Sleep(test.body)
					resp := respond("a", "body")
					resp.Size = test.size
					return resp, nil
				}))
				if _, err := u.Fetch(t.Context(), request(t, "a.b/c/@latest")); err != nil {
					t.Fatal(err)
				}
				if got := figuresOf(t, u); got.Rate != test.want || got.Average != time.Second {
					t.Errorf("rate %v, first byte after %v, want %v after 1s", got.Rate, got.Average, test.want)
				}
			})
		})
	}
}

// Who does not have what another has is lacking it; what nobody has is no lack.
func TestCoverage(t *testing.T) {
	for name, hedge := range map[string]bool{"one by one": false, "hedged": true} {
		a, b := upstream.Meter()(&source{name: "a", err: missing}), upstream.Meter()(&source{name: "b", err: down})
		c := &source{name: "c"}
		for group, u := range map[string]upstream.Upstream{"mirrors": upstream.Mirrors(a, b, c), "list": joined("||", a, b, c)} {
			before := figuresOf(t, a).Lacking
			if hedge {
				u = upstream.Hedge(u, nil)
			}
			c.err = missing
			u.Fetch(t.Context(), request(t, "a.b/c/@latest"))
			if got := figuresOf(t, a).Lacking - before; got != 0 {
				t.Errorf("%s, %s: lacks %d of what nobody has", name, group, got)
			}
			c.err = nil
			u.Fetch(t.Context(), request(t, "a.b/c/@latest"))
			if a, b := figuresOf(t, a).Lacking-before, figuresOf(t, b).Lacking; a != 1 || b != 0 {
				t.Errorf("%s, %s: lacking %d and %d, want 1 and 0", name, group, a, b)
			}
		}
	}
	for _, test := range []struct {
		figures upstream.Figures
		want    float64
	}{
		{upstream.Figures{}, 1},
		{upstream.Figures{NotFound: 9, Failures: 9}, 1},
		{upstream.Figures{Answers: 3, Lacking: 1}, 0.75},
		{upstream.Figures{Lacking: 1}, 0},
	} {
		if got := test.figures.Coverage(); got != test.want {
			t.Errorf("coverage of %+v is %v, want %v", test.figures, got, test.want)
		}
	}
}

func TestFiguresWithoutMeter(t *testing.T) {
	if figures, ok := upstream.FiguresOf(&source{}, upstream.Zips); ok || figures != (upstream.Figures{}) {
		t.Errorf("got %+v, %v", figures, ok)
	}
}
