package breaker_test

import (
	"context"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"time"

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
	answer func(context.Context, upstream.Request) error // nil: it has everything
}

func (s *source) Name() string { return s.name }

func (s *source) Fetch(ctx context.Context, req upstream.Request) (*upstream.Response, error) {
	s.asked.Add(1)
	answer := s.answer // as it is when asked, whatever it is told meanwhile
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
	s.answer = func(_ context.Context, req upstream.Request) error {
		e := e
		e.Request, e.Source = req, s.name
		return &e
	}
}

func (s *source) works() { s.answer = nil }

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
