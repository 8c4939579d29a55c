package fetch_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
)

// reply is what a caller sees of an answer.
type reply struct {
	Body  string
	Stale bool
	Class upstream.Class // of the error, if there is no body
}

func ask(t *testing.T, ctx context.Context, c *fetch.Client, req upstream.Request) reply {
	t.Helper()
	resp, err := c.Fetch(ctx, req)
	if err != nil {
		return reply{Class: upstream.ClassOf(err)}
	}
	stale := resp.Stale != nil
	return reply{Body: read(t, resp), Stale: stale}
}

// Each step happens some time after the one before. The source first lists
// v1.0.0 and then whatever the step says.
func TestChangeableAnswers(t *testing.T) {
	const v1, v2 = "v1.0.0\n", "v1.0.0\nv1.1.0\n"
	hang := errors.New("hang")
	type step struct {
		after  time.Duration
		source any // what the source has from now on: a list or an error
		want   reply
		calls  int64 // made to the source by the end of the step, when all is quiet
	}
	outage := &upstream.Error{Source: "scripted", Status: 503}
	gone := &upstream.Error{Class: upstream.NotFound, Source: "scripted", Status: 404}
	denied := &upstream.Error{Class: upstream.Denied, Source: "scripted", Status: 403}
	tests := []struct {
		name  string
		opts  fetch.Options
		steps []step
	}{
		{
			name: "fresh for the TTL",
			steps: []step{
				{0, v1, reply{Body: v1}, 1},
				{53 * time.Second, v2, reply{Body: v1}, 1},
			},
		},
		{
			name: "then the old one is given while a new one is fetched",
			steps: []step{
				{0, v1, reply{Body: v1}, 1},
				{61 * time.Second, v2, reply{Body: v1, Stale: true}, 2},
				{time.Second, v2, reply{Body: v2}, 2},
			},
		},
		{
			name: "a very old one is renewed first",
			steps: []step{
				{0, v1, reply{Body: v1}, 1},
				{time.Hour, v2, reply{Body: v2}, 2},
			},
		},
		{
			name: "an outage gives the old one, and is not asked about each time",
			steps: []step{
				{0, v1, reply{Body: v1}, 1},
				{time.Hour, outage, reply{Body: v1, Stale: true}, 2},
				{time.Second, outage, reply{Body: v1, Stale: true}, 2},
				{10 * time.Second, v2, reply{Body: v2}, 3},
			},
		},
		{
			name: "a hanging source costs StaleWait once",
			steps: []step{
				{0, v1, reply{Body: v1}, 1},
				{time.Hour, hang, reply{Body: v1, Stale: true}, 2},
				{0, hang, reply{Body: v1, Stale: true}, 2},
			},
		},
		{
			name: "what is gone is gone",
			steps: []step{
				{0, v1, reply{Body: v1}, 1},
				{time.Hour, gone, reply{Class: upstream.NotFound}, 2},
				{time.Second, v2, reply{Class: upstream.NotFound}, 2}, // remembered
				{20 * time.Second, v2, reply{Body: v2}, 3},
			},
		},
		{
			name: "what is denied is denied",
			steps: []step{
				{0, v1, reply{Body: v1}, 1},
				{time.Hour, denied, reply{Class: upstream.Denied}, 2},
			},
		},
		{
			name: "the age of stale answers can be bounded",
			opts: fetch.Options{MaxStale: 30 * time.Minute},
			steps: []step{
				{0, v1, reply{Body: v1}, 1},
				{20 * time.Minute, outage, reply{Body: v1, Stale: true}, 2},
				{20 * time.Minute, outage, reply{Class: upstream.Unavailable}, 3},
			},
		},
		{
			name: "stale answers can be switched off",
			opts: fetch.Options{MaxStale: -1},
			steps: []step{
				{0, v1, reply{Body: v1}, 1},
				{time.Hour, outage, reply{Class: upstream.Unavailable}, 2},
			},
		},
		{
			name: "everything can be asked anew each time",
			opts: fetch.Options{TTL: -1, RevalidateWithin: -1},
			steps: []step{
				{0, v1, reply{Body: v1}, 1},
				{0, v2, reply{Body: v2}, 2},
			},
		},
		{
			name: "not found is not remembered where that is switched off",
			opts: fetch.Options{NotFoundTTL: -1},
			steps: []step{
				{0, gone, reply{Class: upstream.NotFound}, 1},
				{0, v1, reply{Body: v1}, 2},
			},
		},
		{
			name: "an outage is not remembered where nothing is held",
			steps: []step{
				{0, outage, reply{Class: upstream.Unavailable}, 1},
				{0, v1, reply{Body: v1}, 2},
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var now any
				source := &scripted{answer: func(ctx context.Context, req upstream.Request) (string, error) {
					switch v := now.(type) {
					case string:
						return v, nil
					case *upstream.Error:
						return "", v
					}
					<-ctx.Done()
					return "", upstream.ContextError(ctx, req, "scripted")
				}}
				tt.opts.Upstream = source
				c := newClient(t, tt.opts)
				for i, s := range tt.steps {
					time.Sleep(s.after)
					now = s.source
					if diff := cmp.Diff(s.want, ask(t, t.Context(), c, request(t, upstream.List, "example.com/hello", ""))); diff != "" {
						t.Errorf("step %d (-want +got):\n%s", i, diff)
					}
					synctest.Wait()
					if n := source.calls.Load(); n != s.calls {
						t.Errorf("step %d: %d calls to the source so far, want %d", i, n, s.calls)
					}
				}
			})
		})
	}
}

// What a Fetcher behind this one gives in an outage does not look new here.
func TestStaleAnswersStayStaleThroughTiers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		down := false
		source := &scripted{answer: func(_ context.Context, req upstream.Request) (string, error) {
			if down {
				return "", outage(req)
			}
			return "v1.0.0\n", nil
		}}
		central := newClient(t, fetch.Options{Upstream: source})
		req := request(t, upstream.List, "example.com/hello", "")
		ask(t, t.Context(), central, req)
		down = true
		time.Sleep(time.Hour)
		local := newClient(t, fetch.Options{Upstream: central})
		for range 2 {
			resp, err := local.Fetch(t.Context(), req)
			if err != nil {
				t.Fatal(err)
			}
			if age := time.Since(resp.Fetched); resp.Stale == nil || age < time.Hour {
				t.Errorf("age %v, stale because %v; want an hour, and the reason", age, resp.Stale)
			}
			resp.Body.Close()
		}
	})
}

func TestCanonicalVersionsAreForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := &scripted{answer: func(context.Context, upstream.Request) (string, error) {
			return `{"Version":"v1.0.0"}`, nil
		}}
		c := newClient(t, fetch.Options{Upstream: source})
		req := request(t, upstream.Info, "example.com/hello", "v1.0.0")
		for range 3 {
			if got := ask(t, t.Context(), c, req); got.Stale || got.Body == "" {
				t.Errorf("got %+v", got)
			}
			time.Sleep(10 * 365 * 24 * time.Hour)
		}
		if n := source.calls.Load(); n != 1 {
			t.Errorf("%d calls to the source, want 1", n)
		}
	})
}

// A mirror that is behind must not make a module vanish while the one that
// knows better is down.
func TestInconclusiveNotFoundIsNotRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		down := true
		behind := &scripted{answer: func(_ context.Context, req upstream.Request) (string, error) { return "", absent(req) }}
		knows := &scripted{answer: func(_ context.Context, req upstream.Request) (string, error) {
			if down {
				return "", outage(req)
			}
			return goMod, nil
		}}
		c := newClient(t, fetch.Options{Upstream: upstream.Mirrors(behind, knows)})
		req := request(t, upstream.Mod, "example.com/hello", "v1.0.0")
		if got := ask(t, t.Context(), c, req); got.Class != upstream.NotFound {
			t.Errorf("while it is down: %+v, want not found", got)
		}
		down = false
		if got := ask(t, t.Context(), c, req); got.Body != goMod {
			t.Errorf("when it is back: %+v, want the file", got)
		}
	})
}

func TestStaleAnswerAtTheCallersDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := true
		source := &scripted{answer: func(ctx context.Context, req upstream.Request) (string, error) {
			if first {
				first = false
				return "v1.0.0\n", nil
			}
			<-ctx.Done()
			return "", upstream.ContextError(ctx, req, "scripted")
		}}
		c := newClient(t, fetch.Options{Upstream: source})
		req := request(t, upstream.List, "example.com/hello", "")
		ask(t, t.Context(), c, req)
		time.Sleep(time.Hour)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if got := ask(t, ctx, c, req); got.Body == "" || !got.Stale {
			t.Errorf("got %+v, want the old list", got)
		}
	})
}
