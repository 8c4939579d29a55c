package upstream_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
)

// whole is a body that is complete.
type whole struct{ *strings.Reader }

func (whole) Close() error { return nil }

// The call that a stream belongs to goes on until the stream is closed; nothing
// goes on for a body that is here, and nothing is put around it.
func TestHedgeEndsTheWinnersCall(t *testing.T) {
	tests := []struct {
		name  string
		body  func() io.ReadCloser
		alive bool // when Fetch has returned
	}{
		{"stream", func() io.ReadCloser { return io.NopCloser(strings.NewReader("body")) }, true},
		{"complete", func() io.ReadCloser { return whole{strings.NewReader("body")} }, false},
	}
	for _, test := range tests {
		for _, state := range []upstream.HealthState{upstream.Working, upstream.OnTrial} {
			caller := &counted{Context: t.Context(), done: make(chan struct{})}
			var call context.Context
			a := &healthy{state, func(ctx context.Context, _ upstream.Request) (*upstream.Response, error) {
				call = ctx
				return &upstream.Response{Body: test.body(), Size: 4, Source: "a"}, nil
			}}
			u := upstream.Hedge(upstream.Mirrors(a, &source{name: "b", err: down}), nil)
			resp, err := u.Fetch(caller, request(t, "a.b/c/@latest"))
			if err != nil {
				t.Fatal(err)
			}
			if alive := call.Err() == nil; alive != test.alive {
				t.Errorf("%s, %v: the call goes on: %v, want %v", test.name, state, alive, test.alive)
			}
			if _, ok := resp.Body.(whole); ok == test.alive {
				t.Errorf("%s, %v: the body is a %T", test.name, state, resp.Body)
			}
			if body, err := readBody(resp); body != "body" || err != nil || call.Err() == nil {
				t.Errorf("%s, %v: body %q, error %v, and the call has ended: %v", test.name, state, body, err, call.Err())
			}
			upstream.Drain(u)
			if n := caller.waiting.Load(); n != 0 {
				t.Errorf("%s, %v: the caller's context holds %d calls", test.name, state, n)
			}
		}
	}
}

// A leg that has failed is not held by the caller's context either.
func TestHedgeLetsGoOfFailures(t *testing.T) {
	caller := &counted{Context: t.Context(), done: make(chan struct{})}
	failing := &healthy{upstream.OnTrial, func(_ context.Context, req upstream.Request) (*upstream.Response, error) {
		return nil, &upstream.Error{Request: req}
	}}
	u := upstream.Hedge(upstream.Mirrors(failing, failing), nil)
	_, err := u.Fetch(caller, request(t, "a.b/c/@latest"))
	wantError(t, err, upstream.Unavailable)
	upstream.Drain(u)
	if n := caller.waiting.Load(); n != 0 {
		t.Errorf("the caller's context holds %d calls", n)
	}
}

// healthy is a function with a state of health.
type healthy struct {
	state upstream.HealthState
	upstream.Func
}

func (h *healthy) Health(upstream.Lane) upstream.Health { return upstream.Health{State: h.state} }

// counted is a context that counts who waits for its end.
type counted struct {
	context.Context
	done    chan struct{}
	waiting atomic.Int64
}

func (c *counted) Done() <-chan struct{} { return c.done }

func (c *counted) AfterFunc(func()) func() bool {
	c.waiting.Add(1)
	var once sync.Once
	return func() bool {
		once.Do(func() { c.waiting.Add(-1) })
		return true
	}
}

// Who is wrapped after Hedge is still hedged, and as before.
func TestHedgeAndWrap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage()
		actors := on(s, actor{name: "b"}, actor{name: "a", takes: never})
		for _, u := range []upstream.Upstream{
			upstream.NewMirrors(&upstream.MirrorsOptions{Balance: orderIs{1, 0}}, membersOf(actors)...),
			joined("|", actors[1], actors[0]),
		} {
			s.begun, s.said = time.Now(), nil
			u = upstream.Wrap(upstream.Hedge(u, steady), upstream.Meter())
			s.play(t.Context(), t, u, "a.b/c/@latest")
			upstream.Drain(u)
			want := []string{"0s a asked", "500ms a outpaced", "500ms b answers", "500ms b asked", "500ms b closed", "500ms caller: b"}
			if diff := cmp.Diff(want, s.script()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		}
	})
}

// Hedge does not write into what a group shows of itself.
func TestHedgeLeavesGroupsAlone(t *testing.T) {
	inner := upstream.Mirrors(&source{name: "a"}, &source{name: "b"})
	group := open{inner}
	upstream.Hedge(group, nil)
	if group[0] != inner {
		t.Error("a member has been replaced in the group itself")
	}
}

// open is a group that hands out its own slice.
type open []upstream.Upstream

func (o open) Members() []upstream.Upstream                       { return o }
func (o open) With(members []upstream.Upstream) upstream.Upstream { return open(members) }
func (o open) Fetch(ctx context.Context, req upstream.Request) (*upstream.Response, error) {
	return o[0].Fetch(ctx, req)
}

// A caller who goes while reading ends the call of a source on trial, too.
func TestHedgeEndsATrialWithItsReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		caller, cancel := context.WithCancelCause(t.Context())
		var call context.Context
		a := &healthy{upstream.OnTrial, func(ctx context.Context, _ upstream.Request) (*upstream.Response, error) {
			call = ctx
			return respond("a", "body"), nil
		}}
		u := upstream.Hedge(upstream.Mirrors(a), nil)
		resp, err := u.Fetch(caller, request(t, "a.b/c/@latest"))
		if err != nil || call.Err() != nil {
			t.Fatalf("error %v, and the call has ended: %v", err, call.Err())
		}
		gone := errors.New("gone")
		cancel(gone)
		synctest.Wait()
		if context.Cause(call) != gone {
			t.Errorf("the call ended with %v", context.Cause(call))
		}
		resp.Body.Close()
	})
}
