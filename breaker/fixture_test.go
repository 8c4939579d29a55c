package breaker_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/breakwater-go/breakwater/breaker"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

const (
	modKey = "a.example/m/@v/v1.0.0.mod"
	zipKey = "a.example/m/@v/v1.0.0.zip"
)

// request returns the Request with the given key.
func request(t testing.TB, key string) upstream.Request {
	t.Helper()
	req, err := upstream.ParsePath("/" + key)
	if err != nil {
		t.Fatalf("ParsePath(/%s): %v", key, err)
	}
	return req
}

// source is an Upstream with a name that counts how often it is asked.
type source struct {
	name   string
	asked  atomic.Int64
	takes  time.Duration                                 // before it answers
	mu     sync.Mutex                                    // guards what is changed while it may be asked
	answer func(context.Context, upstream.Request) error // nil: it has everything
}

func (s *source) Name() string { return s.name }

func (s *source) Fetch(ctx context.Context, req upstream.Request) (*upstream.Response, error) {
	s.asked.Add(1)
	s.mu.Lock()
	answer := s.answer // as it is when asked, whatever it is told meanwhile
	s.mu.Unlock()
	if s.takes > 0 {
		select {
		case <-time.After(s.takes):
		case <-ctx.Done():
			return nil, upstream.ContextError(ctx, req, s.name)
		}
	}
	if answer != nil {
		if err := answer(ctx, req); err != nil {
			return nil, err
		}
	}
	return &upstream.Response{Body: io.NopCloser(strings.NewReader("body")), Size: 4, Source: s.name}, nil
}

// fails makes s answer with a copy of e in its own name.
func (s *source) fails(e upstream.Error) {
	s.will(func(_ context.Context, req upstream.Request) error {
		e := e
		e.Request, e.Source = req, s.name
		return &e
	})
}

func (s *source) works() { s.will(nil) }

func (s *source) will(answer func(context.Context, upstream.Request) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = answer
}

// down returns a source that is unavailable.
func down(name string) *source {
	s := &source{name: name}
	s.fails(upstream.Error{})
	return s
}

// ask asks u for key and returns the error.
func ask(ctx context.Context, t testing.TB, u upstream.Upstream, key string) error {
	t.Helper()
	resp, err := u.Fetch(ctx, request(t, key))
	if err == nil {
		resp.Body.Close()
	}
	return err
}

// askTimes asks u for a go.mod file n times.
func askTimes(t testing.TB, u upstream.Upstream, n int) {
	t.Helper()
	for range n {
		ask(t.Context(), t, u, modKey)
	}
}

// wantAsked checks how often s has been asked since it was made.
func wantAsked(t testing.TB, s *source, want int64) {
	t.Helper()
	if got := s.asked.Load(); got != want {
		t.Errorf("%s was asked %d times, want %d", s.name, got, want)
	}
}

// wantError compares an error with an *upstream.Error, causes by errors.Is.
func wantError(t testing.TB, want *upstream.Error, got error) {
	t.Helper()
	diff := cmp.Diff(error(want), got, cmpopts.EquateComparable(upstream.Request{}),
		cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".Err" }, cmpopts.EquateErrors()))
	if diff != "" {
		t.Errorf("error (-want +got):\n%s", diff)
	}
}

// pause waits, and reports false if ctx ended meanwhile.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// lastResort returns u for callers whom nobody else can answer: where a circuit
// refuses them, they ask once more as a last resort.
func lastResort(u upstream.Upstream) upstream.Upstream {
	return breaker.Retry(&breaker.RetryOptions{Tries: 1})(u)
}

// refusedFor returns how long an open circuit wants to be left alone, according
// to its refusal of a go.mod file.
func refusedFor(t testing.TB, u upstream.Upstream) time.Duration {
	t.Helper()
	e, ok := errors.AsType[*upstream.Error](ask(t.Context(), t, u, modKey))
	if !ok || !errors.Is(e, breaker.ErrOpen) {
		t.Fatalf("not refused: %v", e)
	}
	return e.RetryAfter
}

// wantGaveUp checks that a request was given up after so many tries, and that
// its error is otherwise want.
func wantGaveUp(t testing.TB, want *upstream.Error, tries int, reason breaker.Reason, got error) {
	t.Helper()
	e, ok := errors.AsType[*upstream.Error](got)
	if !ok {
		t.Fatalf("error is %v", got)
	}
	gave, ok := errors.AsType[*breaker.GaveUpError](e)
	if !ok {
		t.Fatalf("not said to be given up after %d tries: %v", tries, got)
	}
	bare, result := *e, *gave
	bare.Err, result.Err = gave.Err, nil
	if diff := cmp.Diff(breaker.GaveUpError{Tries: tries, Reason: reason}, result); diff != "" {
		t.Errorf("given up (-want +got):\n%s", diff)
	}
	wantError(t, want, &bare)
}
