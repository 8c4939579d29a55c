package breaker_test

import (
	"context"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/breaker"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
)

// A gauge is a source that counts, in each lane, how many calls are under way,
// from their being made to their body's being closed.
type gauge struct {
	mu     sync.Mutex
	inside [upstream.Lanes]int
	most   [upstream.Lanes]int
	takes  time.Duration
	err    error
}

func (*gauge) Name() string { return "proxy" }

func (g *gauge) Fetch(ctx context.Context, req upstream.Request) (*upstream.Response, error) {
	lane := req.Kind().Lane()
	g.move(lane, +1)
	if !pause(ctx, g.takes) {
		g.move(lane, -1)
		return nil, upstream.ContextError(ctx, req, "proxy")
	}
	if g.err != nil {
		g.move(lane, -1)
		return nil, g.err
	}
	left := sync.OnceFunc(func() { g.move(lane, -1) })
	return &upstream.Response{Body: body{strings.NewReader("body"), left}, Size: 4}, nil
}

func (g *gauge) move(lane upstream.Lane, by int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inside[lane] += by
	g.most[lane] = max(g.most[lane], g.inside[lane])
}

// now returns how many calls are under way in a lane.
func (g *gauge) now(lane upstream.Lane) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.inside[lane]
}

// A body reports when it is closed, each time.
type body struct {
	io.Reader
	closed func()
}

func (b body) Close() error { b.closed(); return nil }

// fill makes n calls for key at once, each of which holds its body for a while.
func fill(t *testing.T, u upstream.Upstream, key string, n int, holds time.Duration) *sync.WaitGroup {
	var all sync.WaitGroup
	for range n {
		all.Go(func() {
			resp, err := u.Fetch(t.Context(), request(t, key))
			if err != nil {
				t.Errorf("%s: %v", key, err)
				return
			}
			time.Sleep(holds)
			resp.Body.Close()
		})
	}
	return &all
}

// Never more calls are under way than allowed, in each lane for itself, and as
// many as that.
func TestLimit(t *testing.T) {
	const many = 200
	tests := []struct {
		name string
		opts *breaker.LimitOptions
		want [upstream.Lanes]int
	}{
		{"defaults", nil, [...]int{64, 16, 32}},
		{"zero options", &breaker.LimitOptions{}, [...]int{64, 16, 32}},
		{"own limits", &breaker.LimitOptions{SmallFiles: 3, Zips: 1, SumDBs: 100}, [...]int{3, 1, 100}},
		{"no limits", &breaker.LimitOptions{SmallFiles: -1, Zips: -1, SumDBs: -1}, [...]int{many, many, many}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := &gauge{takes: 10 * time.Millisecond}
				u := breaker.Limit(test.opts)(g)
				var callers []*sync.WaitGroup
				for _, key := range []string{modKey, zipKey, "sumdb/sum.example/latest"} {
					callers = append(callers, fill(t, u, key, many, 10*time.Millisecond))
				}
				for _, c := range callers {
					c.Wait()
				}
				if diff := cmp.Diff(test.want, g.most); diff != "" {
					t.Errorf("calls under way by lane (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// The same with nothing that keeps the goroutines in step, for the race detector.
func TestLimitRace(t *testing.T) {
	g := &gauge{}
	u := breaker.Limit(&breaker.LimitOptions{SmallFiles: 3, Queue: 4})(g)
	var all sync.WaitGroup
	for i := range 32 {
		all.Go(func() {
			for range 100 {
				ctx, cancel := context.WithCancel(t.Context())
				if i%4 == 0 {
					go cancel()
				}
				ask(ctx, t, u, modKey)
				cancel()
			}
		})
	}
	all.Wait()
	if g.most[upstream.SmallFiles] > 3 || g.now(upstream.SmallFiles) != 0 {
		t.Errorf("%d calls at once, %d at the end", g.most[upstream.SmallFiles], g.now(upstream.SmallFiles))
	}
	for range 3 { // no place was lost
		if _, err := u.Fetch(t.Context(), request(t, modKey)); err != nil {
			t.Error(err)
		}
	}
}

// An offline call makes none, and so needs no place.
func TestLimitOffline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := breaker.Limit(&breaker.LimitOptions{SmallFiles: 1, Queue: -1})(&gauge{})
		callers := fill(t, u, modKey, 1, time.Hour)
		synctest.Wait()
		if err := ask(upstream.WithOffline(t.Context()), t, u, modKey); err != nil {
			t.Errorf("offline: %v", err)
		}
		callers.Wait()
	})
}
