package breaker_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/breaker"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
)

// room returns how many calls may be under way now.
func room(t *testing.T, u upstream.Upstream, g *gauge) int {
	t.Helper()
	takes, err := g.takes, g.err
	defer func() { g.takes, g.err = takes, err }()
	g.takes, g.err = time.Hour, nil
	ctx, cancel := context.WithCancel(t.Context())
	for range 100 {
		go ask(ctx, t, u, modKey)
	}
	synctest.Wait()
	inside := g.now(upstream.SmallFiles)
	cancel()
	synctest.Wait()
	return inside
}

// adaptive returns a limit that moves, and the source behind it.
func adaptive(most int) (upstream.Upstream, *gauge) {
	g := &gauge{takes: 10 * time.Millisecond}
	return breaker.Limit(&breaker.LimitOptions{SmallFiles: most, Adaptive: true, Queue: 1000, MaxWait: -1})(g), g
}

// falter makes the source fail once a second, so many times.
func falter(t *testing.T, u upstream.Upstream, g *gauge, times int, err error) {
	g.err = err
	for range times {
		askTimes(t, u, 1)
		time.Sleep(time.Second)
	}
	g.err = nil
}

// An adaptive limit falls to seven tenths with each second in which the source
// falters, but not below four, or what it is if that is less.
func TestAdaptiveLimitFalls(t *testing.T) {
	tests := []struct {
		most int
		want []int // after each second
	}{
		{40, []int{40, 28, 19, 13, 9, 6, 4, 4, 4}},
		{5, []int{5, 4, 4}},
		{3, []int{3, 3}},
		{1, []int{1, 1}},
	}
	for _, test := range tests {
		synctest.Test(t, func(t *testing.T) {
			u, g := adaptive(test.most)
			got := []int{room(t, u, g)}
			for range len(test.want) - 1 {
				falter(t, u, g, 1, &upstream.Error{})
				got = append(got, room(t, u, g))
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("limit of %d (-want +got):\n%s", test.most, diff)
			}
		})
	}
}

// What fails together is one piece of news.
func TestAdaptiveLimitFallsOnceASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u, g := adaptive(40)
		g.err = &upstream.Error{}
		g.takes = 0
		askTimes(t, u, 30)
		if got := room(t, u, g); got != 28 {
			t.Errorf("after one failure of many: %d, want 28", got)
		}
	})
}

// It falls for what says that the source has too much to do, and for nothing else.
func TestAdaptiveLimitFallsFor(t *testing.T) {
	const most = 10
	tests := map[string]struct {
		err  error
		want int
	}{
		"unavailable": {&upstream.Error{}, 7},
		"timeout":     {&upstream.Error{Class: upstream.Timeout}, 7},
		"any error":   {io.ErrUnexpectedEOF, 7},
		"not found":   {&upstream.Error{Class: upstream.NotFound}, most},
		"denied":      {&upstream.Error{Class: upstream.Denied}, most},
		"untrusted":   {&upstream.Error{Class: upstream.Untrusted}, most},
		"canceled":    {&upstream.Error{Class: upstream.Canceled}, most},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				u, g := adaptive(most)
				falter(t, u, g, 1, test.err)
				if got := room(t, u, g); got != test.want {
					t.Errorf("limit is %d, want %d", got, test.want)
				}
			})
		})
	}
}

// A caller who has gone says nothing of the source.
func TestAdaptiveLimitAndDeparture(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u, g := adaptive(10)
		g.takes = time.Hour
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		ask(ctx, t, u, modKey)
		if got := room(t, u, g); got != 10 {
			t.Errorf("limit is %d", got)
		}
	})
}

// It rises by about one for each round of calls that use it, up to what was set.
func TestAdaptiveLimitRises(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u, g := adaptive(10)
		falter(t, u, g, 3, &upstream.Error{})
		low := room(t, u, g)
		if low != 4 {
			t.Fatalf("limit is %d", low)
		}
		askTimes(t, u, 1000)
		if got := room(t, u, g); got != low {
			t.Errorf("after calls that did not use it the limit is %d", got)
		}
		last := low
		for range 20 {
			fill(t, u, modKey, last, time.Millisecond).Wait()
			now := room(t, u, g)
			if now < last || now > last+1 {
				t.Errorf("the limit went from %d to %d", last, now)
			}
			last = now
		}
		if last != 10 {
			t.Errorf("the limit has not come back: %d", last)
		}
	})
}

// It rises for what a source that is well says, be it "not found".
func TestAdaptiveLimitRisesFor(t *testing.T) {
	for name, test := range map[string]struct {
		err  error
		want int
	}{
		"answers":   {nil, 5},
		"not found": {&upstream.Error{Class: upstream.NotFound}, 5},
		"denied":    {&upstream.Error{Class: upstream.Denied}, 4},
		"untrusted": {&upstream.Error{Class: upstream.Untrusted}, 4},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				u, g := adaptive(10)
				falter(t, u, g, 3, &upstream.Error{})
				g.err = test.err
				for range 8 {
					go ask(t.Context(), t, u, modKey)
				}
				time.Sleep(time.Second)
				synctest.Wait()
				if got := room(t, u, g); got != test.want {
					t.Errorf("limit is %d, want %d", got, test.want)
				}
			})
		})
	}
}

// A limit that rises lets in those who wait, without anybody's leaving.
func TestAdaptiveLimitAdmitsWhenItRises(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u, g := adaptive(10)
		falter(t, u, g, 3, &upstream.Error{})
		fill(t, u, modKey, 4, 0).Wait()                // the limit is nearly 5
		callers := fill(t, u, modKey, 30, time.Minute) // bodies are held for long
		time.Sleep(time.Second)
		if got := g.now(upstream.SmallFiles); got <= 4 {
			t.Errorf("%d are under way", got)
		}
		callers.Wait()
	})
}

// A body that breaks off counts like a call that failed.
func TestAdaptiveLimitAndBodies(t *testing.T) {
	for name, test := range map[string]struct {
		err  error
		want int
	}{
		"breaks off": {errors.New("connection reset"), 7},
		"ends":       {io.EOF, 10},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := &gauge{}
				broken := false
				u := breaker.Limit(&breaker.LimitOptions{SmallFiles: 10, Adaptive: true})(upstream.Func(
					func(ctx context.Context, req upstream.Request) (*upstream.Response, error) {
						resp, err := g.Fetch(ctx, req)
						if err == nil && !broken {
							broken = true
							resp.Body = body{failingReader{test.err}, func() { g.move(upstream.SmallFiles, -1) }}
						}
						return resp, err
					}))
				resp, err := u.Fetch(t.Context(), request(t, modKey))
				if err != nil {
					t.Fatal(err)
				}
				io.ReadAll(resp.Body)
				resp.Body.Close()
				if got := room(t, u, g); got != test.want {
					t.Errorf("limit is %d, want %d", got, test.want)
				}
			})
		})
	}
}

type failingReader struct{ err error }

func (r failingReader) Read([]byte) (int, error) { return 0, r.err }
