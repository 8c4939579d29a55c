package upstream_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
)

// Where nobody keeps silent, hedging changes nothing: not who is asked, not in
// which order, not what comes of it.
func TestHedgeChangesNothingElse(t *testing.T) {
	for seed := range uint64(400) {
		synctest.Test(t, func(t *testing.T) {
			plain, hedged := &log{}, &log{}
			u := upstream.Routes(upstream.Mirrors(randomTree(rand.New(rand.NewPCG(seed, 1)), plain, 3)))
			h := upstream.Hedge(upstream.Routes(upstream.Mirrors(randomTree(rand.New(rand.NewPCG(seed, 1)), hedged, 3))), nil)
			want, got := result(t, u), result(t, h)
			upstream.Drain(h)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("seed %d, result (-plain +hedged):\n%s", seed, diff)
			}
			if diff := cmp.Diff(plain.lines, hedged.lines); diff != "" {
				t.Errorf("seed %d, asked (-plain +hedged):\n%s", seed, diff)
			}
		})
	}
}

// randomTree returns groups of sources that mostly fail, so that much is asked.
func randomTree(r *rand.Rand, l *log, depth int) upstream.Upstream {
	if depth == 0 || r.IntN(3) == 0 {
		switch n := r.IntN(12); n {
		case 0:
			return &source{name: "has it", log: l}
		case 1:
			return upstream.Off()
		case 2:
			return upstream.Func(func(context.Context, upstream.Request) (*upstream.Response, error) {
				l.add("nothing")
				return nil, nil
			})
		default:
			class := []upstream.Class{upstream.NotFound, upstream.NotFound, upstream.Unavailable, upstream.Denied, upstream.Untrusted, upstream.Timeout, upstream.Overloaded}[r.IntN(7)]
			return &source{name: fmt.Sprint(class, n), log: l, err: &upstream.Error{Class: class}}
		}
	}
	var members []upstream.Upstream
	var steps []upstream.Step
	for range r.IntN(4) + 1 {
		members = append(members, randomTree(r, l, depth-1))
		steps = append(steps, upstream.Step{Upstream: members[len(members)-1], OnAnyError: r.IntN(3) > 0})
	}
	if r.IntN(2) == 0 {
		return upstream.Mirrors(members...)
	}
	return upstream.Fallback(steps...)
}

// result puts all that a caller gets into words.
func result(t *testing.T, u upstream.Upstream) string {
	resp, err := u.Fetch(t.Context(), request(t, "a.b/c/@latest"))
	if err == nil {
		resp.Body.Close()
		return resp.Source
	}
	return err.Error()
}
