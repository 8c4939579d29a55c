package main

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// scripted returns sides whose samples are given, and the letters of who ran: A for
// ours, B for the limit.
func scripted(ours, limit []float64) (s *sides, ran *strings.Builder) {
	ran = new(strings.Builder)
	next := func(letter string, values []float64) func(context.Context) (sample, error) {
		return func(context.Context) (sample, error) {
			ran.WriteString(letter)
			v := values[0]
			values = values[1:]
			return sample{value: v}, nil
		}
	}
	return &sides{ours: next("A", ours), limit: next("B", limit)}, ran
}

func TestRoundsAreInterleaved(t *testing.T) {
	s, ran := scripted([]float64{99, 1, 2, 3}, []float64{99, 4, 5, 6})
	o, err := interleave(t.Context(), promise{}, s, 3)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := ran.String(), "ABBAABBA"; got != want {
		t.Errorf("they ran in the order %s, want %s", got, want)
	}
	if diff := cmp.Diff([]float64{1, 2, 3}, values(o.ours)); diff != "" {
		t.Errorf("ours, without the first (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]float64{4, 5, 6}, values(o.limit)); diff != "" {
		t.Errorf("the limit, without the first (-want +got):\n%s", diff)
	}
}

func TestNumberOfRounds(t *testing.T) {
	for _, tt := range []struct {
		name string
		p    promise
		e    env
		want int
	}{
		{"full", promise{}, env{}, defaultRounds},
		{"full, long", promise{rounds: 7}, env{}, 7},
		{"quick", promise{}, env{quick: true}, quickRounds},
		{"quick, long", promise{rounds: 7}, env{quick: true}, quickRoundsOfLong},
		{"quick, very long", promise{rounds: 1}, env{quick: true}, 1},
		{"as told", promise{rounds: 7}, env{quick: true, rounds: 2}, 2},
	} {
		if got := tt.p.roundsIn(&tt.e); got != tt.want {
			t.Errorf("%s: %d rounds, want %d", tt.name, got, tt.want)
		}
	}
}

func TestFailuresAreReported(t *testing.T) {
	failure := errors.New("status 500")
	closing := errors.New("still in use")
	fails := func(context.Context) (sample, error) { return sample{}, failure }
	works := func(context.Context) (sample, error) { return sample{value: 1}, nil }
	skips := func(context.Context) (sample, error) { return sample{}, &skipped{"no /proc"} }
	setUp := func(s *sides, err error) func(context.Context, *env) (*sides, error) {
		return func(context.Context, *env) (*sides, error) { return s, err }
	}
	for _, tt := range []struct {
		name    string
		setUp   func(context.Context, *env) (*sides, error)
		want    error
		skipped string
	}{
		{"setting up", setUp(nil, failure), failure, ""},
		{"ours", setUp(&sides{ours: fails, limit: works}, nil), failure, ""},
		{"the limit", setUp(&sides{ours: works, limit: fails}, nil), failure, ""},
		{"taking down", setUp(&sides{ours: works, limit: works, cleanup: func() error { return closing }}, nil), closing, ""},
		{"not here", setUp(nil, &skipped{"no disk"}), nil, "no disk"},
		{"not here, seen late", setUp(&sides{ours: skips, limit: works}, nil), nil, "no /proc"},
		{"nothing", setUp(&sides{ours: works, limit: works}, nil), nil, ""},
	} {
		o, err := measure(t.Context(), promise{name: "p", setUp: tt.setUp}, &env{rounds: 1}, "")
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: error %v, want %v", tt.name, err, tt.want)
		}
		if tt.want == nil && o.skipped != tt.skipped {
			t.Errorf("%s: skipped %q, want %q", tt.name, o.skipped, tt.skipped)
		}
	}
}
