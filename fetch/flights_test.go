package fetch_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
)

const goMod = "module example.com/hello\n"

// held is a source that answers when it is let go, and says how often it was
// cut short.
type held struct {
	scripted
	release chan struct{}
	cut     atomic.Int64
}

func newHeld() *held {
	h := &held{release: make(chan struct{})}
	h.answer = func(ctx context.Context, req upstream.Request) (string, error) {
		select {
		case <-h.release:
			return goMod, nil
		case <-ctx.Done():
			h.cut.Add(1)
			return "", upstream.ContextError(ctx, req, "scripted")
		}
	}
	return h
}

func TestFlightOutlivesTheCallerWhoStartedIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := newHeld()
		c := newClient(t, fetch.Options{Upstream: source})
		req := request(t, upstream.Mod, "example.com/hello", "v1.0.0")
		first, leave := context.WithCancel(t.Context())
		results := make(chan error, 2)
		call := func(ctx context.Context) {
			_, err := upstream.ReadAll(ctx, c, req)
			results <- err
		}
		go call(first)
		synctest.Wait()
		go call(t.Context())
		synctest.Wait()
		leave()
		if err := <-results; upstream.ClassOf(err) != upstream.Canceled {
			t.Errorf("the caller who left got %v, want canceled", err)
		}
		close(source.release)
		if err := <-results; err != nil {
			t.Errorf("the caller who stayed got %v", err)
		}
		if n := source.calls.Load(); n != 1 {
			t.Errorf("%d requests to the source, want 1", n)
		}
	})
}

func TestFlightEndsAGraceAfterItsLastCaller(t *testing.T) {
	const grace = 3 * time.Second
	tests := []struct {
		name    string
		back    time.Duration // when somebody asks again
		cut     int64
		calls   int64
		comment string
	}{
		{name: "back within the grace", back: grace - time.Second, cut: 0, calls: 1},
		{name: "back too late", back: grace + time.Second, cut: 1, calls: 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				source := newHeld()
				c := newClient(t, fetch.Options{Upstream: source, Grace: grace})
				req := request(t, upstream.Mod, "example.com/hello", "v1.0.0")
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				if _, err := c.Fetch(ctx, req); upstream.ClassOf(err) != upstream.Timeout {
					t.Fatalf("got %v, want a timeout", err)
				}
				time.Sleep(tt.back)
				result := make(chan error)
				go func() {
					_, err := upstream.ReadAll(t.Context(), c, req)
					result <- err
				}()
				synctest.Wait()
				close(source.release)
				if err := <-result; err != nil {
					t.Error(err)
				}
				if source.cut.Load() != tt.cut || source.calls.Load() != tt.calls {
					t.Errorf("%d calls, %d cut short; want %d and %d", source.calls.Load(), source.cut.Load(), tt.calls, tt.cut)
				}
			})
		})
	}
}

// The finished download of a caller who has gone is kept, not thrown away.
func TestFlightWithinItsGraceStillFillsTheCache(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := newHeld()
		c := newClient(t, fetch.Options{Upstream: source})
		req := request(t, upstream.Mod, "example.com/hello", "v1.0.0")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		c.Fetch(ctx, req)
		close(source.release)
		synctest.Wait()
		resp, err := c.Fetch(upstream.WithOffline(t.Context()), req)
		if err != nil {
			t.Fatal(err)
		}
		if got := read(t, resp); got != goMod {
			t.Errorf("got %q", got)
		}
	})
}

func TestOfflineCallsJoinNoFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := newHeld()
		c := newClient(t, fetch.Options{Upstream: source})
		req := request(t, upstream.Mod, "example.com/hello", "v1.0.0")
		go upstream.ReadAll(t.Context(), c, req)
		synctest.Wait()
		if _, err := c.Fetch(upstream.WithOffline(t.Context()), req); upstream.ClassOf(err) != upstream.Unavailable {
			t.Errorf("got %v, want unavailable at once", err)
		}
		close(source.release)
	})
}
