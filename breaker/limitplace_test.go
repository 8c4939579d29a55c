package breaker_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/breakwater-go/breakwater/breaker"
	"github.com/breakwater-go/breakwater/upstream"
)

// isFull reports whether a limit of one that refuses who would have to wait has
// its place taken.
func isFull(t *testing.T, u upstream.Upstream) bool {
	t.Helper()
	return errors.Is(ask(t.Context(), t, u, modKey), breaker.ErrBusy)
}

// single returns a limit of one place around an ordinary function.
func single(f upstream.Func) upstream.Upstream {
	return breaker.Limit(&breaker.LimitOptions{SmallFiles: 1, Queue: -1})(f)
}

// A place is held until the body is closed, however often it is.
func TestLimitHoldsThePlaceOfABody(t *testing.T) {
	closed := 0
	u := single(func(context.Context, upstream.Request) (*upstream.Response, error) {
		return &upstream.Response{Body: body{strings.NewReader("body"), func() { closed++ }}}, nil
	})
	resp, err := u.Fetch(t.Context(), request(t, modKey))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if !isFull(t, u) {
			t.Error("the place is free before the body is closed")
		}
		io.ReadAll(resp.Body)
	}
	resp.Body.Close()
	resp.Body.Close()
	if closed != 2 {
		t.Errorf("the source's body was closed %d times", closed)
	}
	if next, err := u.Fetch(t.Context(), request(t, modKey)); err != nil {
		t.Errorf("the place was not given up: %v", err)
	} else {
		if !isFull(t, u) {
			t.Error("the second Close gave up somebody else's place")
		}
		resp.Body.Close()
		if !isFull(t, u) {
			t.Error("the third Close did")
		}
		next.Body.Close()
	}
}

// However a call ends without a body, its place is free again.
func TestLimitFreesThePlace(t *testing.T) {
	tests := map[string]upstream.Func{
		"error": func(context.Context, upstream.Request) (*upstream.Response, error) {
			return nil, errors.New("refused")
		},
		"no response": func(context.Context, upstream.Request) (*upstream.Response, error) { return nil, nil },
		"no body": func(context.Context, upstream.Request) (*upstream.Response, error) {
			return &upstream.Response{}, nil
		},
		"panic": func(context.Context, upstream.Request) (*upstream.Response, error) { panic("oops") },
		"body that panics when closed": func(context.Context, upstream.Request) (*upstream.Response, error) {
			return &upstream.Response{Body: body{strings.NewReader(""), func() { panic("oops") }}}, nil
		},
	}
	for name, first := range tests {
		t.Run(name, func(t *testing.T) {
			calls := 0
			u := single(func(ctx context.Context, req upstream.Request) (*upstream.Response, error) {
				if calls++; calls == 1 {
					return first(ctx, req)
				}
				return &upstream.Response{Body: io.NopCloser(strings.NewReader(""))}, nil
			})
			func() {
				defer func() {
					if p := recover(); p != nil && p != "oops" {
						t.Errorf("it panics: %v", p)
					}
				}()
				resp, _ := u.Fetch(t.Context(), request(t, modKey))
				if resp == nil || resp.Body == nil {
					return
				}
				if name == "no body" {
					t.Error("there is a body")
				}
				resp.Body.Close()
			}()
			if isFull(t, u) {
				t.Error("the place is lost")
			}
		})
	}
}

// The response is the source's own but for its body, and its errors are too.
func TestLimitPassesOn(t *testing.T) {
	sent := &upstream.Response{Body: io.NopCloser(strings.NewReader("body")), Size: 4, Source: "proxy", Validator: `"v"`}
	u := single(func(context.Context, upstream.Request) (*upstream.Response, error) { return sent, nil })
	got, err := u.Fetch(t.Context(), request(t, modKey))
	if err != nil || got.Size != 4 || got.Source != "proxy" || got.Validator != `"v"` || got == sent {
		t.Errorf("got %+v, %v", got, err)
	}
	if data, err := io.ReadAll(got.Body); string(data) != "body" || err != nil {
		t.Errorf("read %q, %v", data, err)
	}
	got.Body.Close()

	failure := &upstream.Error{Source: "proxy", Status: 500}
	u = single(func(context.Context, upstream.Request) (*upstream.Response, error) { return nil, failure })
	if err := ask(t.Context(), t, u, modKey); err != failure {
		t.Errorf("error is %v", err)
	}
}

// A call reports when it waits for its turn and when that has come, so that its
// source is not blamed for the time between.
func TestLimitReportsProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &source{name: "proxy", takes: 4e9}
		u := breaker.Limit(&breaker.LimitOptions{SmallFiles: 1})(s)
		go ask(t.Context(), t, u, modKey)
		pause(t.Context(), 1e9)
		ctx, progress := upstream.WithProgress(t.Context())
		go ask(ctx, t, u, modKey)
		pause(t.Context(), 2e9)
		if waited := progress.Waited(); waited != 0 {
			t.Errorf("in the queue, the source has been waited for for %v", waited)
		}
		pause(t.Context(), 3e9)
		if waited := progress.Waited(); waited != 2e9 {
			t.Errorf("the source has been waited for for %v, want 2s", waited)
		}
		pause(t.Context(), 4e9)

		ctx, progress = upstream.WithProgress(t.Context())
		pause(t.Context(), 5e9)
		go ask(ctx, t, u, modKey) // there is room at once
		pause(t.Context(), 1e9)
		if waited := progress.Waited(); waited != 1e9 {
			t.Errorf("the source has been waited for for %v, want 1s", waited)
		}
		pause(t.Context(), 4e9)
	})
}
