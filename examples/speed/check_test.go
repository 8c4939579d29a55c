package main

import (
	"errors"
	"testing"
)

// outcomeOf is an outcome with these ratios to the limit.
func outcomeOf(c comparison, floor float64, ratios ...float64) *outcome {
	o := &outcome{promise: promise{compare: c, floor: floor}}
	for _, r := range ratios {
		ours, limit := sample{value: 100 * r}, sample{value: 100}
		switch c {
		case speed:
			ours, limit = sample{value: 100}, sample{value: 100 * r}
		case excess:
			ours = sample{value: 100 + r}
		}
		o.ours, o.limit = append(o.ours, ours), append(o.limit, limit)
	}
	return o
}

func TestVerdict(t *testing.T) {
	for _, tt := range []struct {
		name string
		o    *outcome
		want verdict
	}{
		{"fast enough", outcomeOf(speed, 0.9, 0.91, 0.95, 1.2), holds},
		{"fast enough on the whole", outcomeOf(speed, 0.9, 0.5, 0.5, 0.9, 0.91, 0.92), holds},
		{"too slow, perhaps", outcomeOf(speed, 0.9, 0.8, 0.85, 0.89, 0.91, 0.95), inNoise},
		{"too slow", outcomeOf(speed, 0.9, 0.8, 0.85, 0.89, 0.89, 0.95), lost},
		{"cheap enough", outcomeOf(cost, 1.1, 0.9, 1.1, 1.3), holds},
		{"too dear, perhaps", outcomeOf(cost, 1.1, 1, 1.05, 1.15, 1.2, 1.3), inNoise},
		{"too dear", outcomeOf(cost, 1.1, 1, 1.11, 1.15, 1.2, 1.3), lost},
		{"hardly more", outcomeOf(excess, 2, 1.5, 2, 2.5), holds},
		{"too much more", outcomeOf(excess, 2, 3, 3, 3), lost},
		{"less", outcomeOf(excess, 2, -3, -3, -3), holds},
		{"a figure", outcomeOf(cost, 0, 99), figure},
		{"skipped", &outcome{promise: promise{floor: 1}, skipped: "no /proc"}, figure},
	} {
		if got := tt.o.verdict(); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestALostPromiseIsMeasuredAgain(t *testing.T) {
	good, noisy, bad := outcomeOf(cost, 1, 0.9), outcomeOf(cost, 1, 0.5, 1.1, 1.2), outcomeOf(cost, 1, 2)
	worse := outcomeOf(cost, 1, 3)
	failure := errors.New("the disk is full")
	for _, tt := range []struct {
		name     string
		first    *outcome
		later    []*outcome
		err      error
		want     *outcome
		measured int
	}{
		{"it holds", good, nil, nil, good, 0},
		{"it is in the noise", noisy, nil, nil, noisy, 0},
		{"lost, then not", bad, []*outcome{good}, nil, good, 1},
		{"lost twice, then not", bad, []*outcome{worse, good}, nil, good, 2},
		{"lost three times", bad, []*outcome{bad, worse}, nil, worse, 2},
		{"it fails", bad, []*outcome{nil}, failure, nil, 1},
	} {
		measured := 0
		got, err := settle(tt.first, func() (*outcome, error) {
			measured++
			return tt.later[measured-1], tt.err
		})
		if got != tt.want || !errors.Is(err, tt.err) || measured != tt.measured {
			t.Errorf("%s: outcome %v, error %v, measured again %d times; want %v, %v, %d", tt.name, got, err, measured, tt.want, tt.err, tt.measured)
		}
	}
}

func TestJudge(t *testing.T) {
	bad, good := outcomeOf(cost, 1, 2), outcomeOf(cost, 1, 0.5)
	bad.promise.name, good.promise.name = "cold zip", "warm zip"
	for _, tt := range []struct {
		name     string
		check    bool
		outcomes []*outcome
		want     string
	}{
		{"one is lost", true, []*outcome{good, bad}, "lost beyond noise: cold zip"},
		{"none is lost", true, []*outcome{good}, ""},
		{"nobody asked", false, []*outcome{bad}, ""},
	} {
		got := ""
		if err := (settings{check: tt.check}).judge(tt.outcomes); err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}
