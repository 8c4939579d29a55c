package breaker_test

import (
	"errors"
	"testing"
	"time"

	"github.com/breakwater-go/breakwater/breaker"
	"github.com/google/go-cmp/cmp"
)

// A source that cannot deliver one class of files is still asked for the others.
func TestCircuitLanes(t *testing.T) {
	lanes := map[string][]string{
		"files": {"a.example/m/@v/list", "a.example/m/@latest", "a.example/m/@v/v1.0.0.info", "a.example/m/@v/main.info", modKey},
		"zips":  {zipKey, "b.example/m/@v/v0.1.0.zip"},
		"sumdb": {
			"sumdb/sum.example/supported", "sumdb/sum.example/latest",
			"sumdb/sum.example/lookup/a.example/m@v1.0.0", "sumdb/sum.example/tile/8/0/000",
		},
	}
	for failing, keys := range lanes {
		for _, key := range keys {
			t.Run(key, func(t *testing.T) {
				s := down("proxy")
				u := breaker.Circuit(&breaker.CircuitOptions{OpenFor: time.Hour})(s)
				for range 5 {
					ask(t.Context(), t, u, key)
				}
				wantAsked(t, s, 5)

				s.works()
				want, got := map[string]bool{}, map[string]bool{}
				for lane, keys := range lanes {
					for _, key := range keys {
						want[key] = lane == failing
						got[key] = errors.Is(ask(t.Context(), t, u, key), breaker.ErrOpen)
					}
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("refused by an open circuit (-want +got):\n%s", diff)
				}
				answered := int64(len(got) - len(keys))
				wantAsked(t, s, 5+answered)
			})
		}
	}
}

// Failures of different classes do not add up.
func TestCircuitLanesCountApart(t *testing.T) {
	s := down("proxy")
	u := breaker.Circuit(&breaker.CircuitOptions{OpenFor: time.Hour})(s)
	for range 4 {
		for _, key := range []string{modKey, zipKey, "sumdb/sum.example/latest"} {
			if err := ask(t.Context(), t, u, key); errors.Is(err, breaker.ErrOpen) {
				t.Fatalf("%s: open after 4 failures of its class", key)
			}
		}
	}
	wantAsked(t, s, 12)
}

// Middleware is made once and put around many sources.
func TestCircuitForEachSource(t *testing.T) {
	circuit := breaker.Circuit(&breaker.CircuitOptions{OpenFor: time.Hour})
	bad, good := down("bad"), &source{name: "good"}
	overBad, overGood := circuit(bad), circuit(good)
	askTimes(t, overBad, 6)
	if err := ask(t.Context(), t, overGood, modKey); err != nil {
		t.Errorf("one source's failures were held against another: %v", err)
	}
	wantAsked(t, bad, 5)
	wantAsked(t, good, 1)
}
