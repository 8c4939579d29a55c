package fetch_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
)

// watchedClient returns a Client of one scripted source, what its page is made by,
// and a func that asks for a go.mod file.
func watchedClient(t *testing.T, answer func(context.Context, upstream.Request) (string, error)) (*fetch.StatusHandler, func(module string)) {
	t.Helper()
	source := &scripted{answer: answer}
	c := newClient(t, fetch.Options{Upstream: source, NotFoundTTL: -1})
	h := fetch.NewStatusHandler(c, nil)
	t.Cleanup(func() { h.Close() })
	return h, func(module string) {
		t.Helper()
		resp, err := c.Fetch(t.Context(), request(t, upstream.Mod, module, "v1.0.0"))
		if err == nil {
			resp.Body.Close()
		}
	}
}

func answered(_ context.Context, req upstream.Request) (string, error) {
	return "module " + req.Module() + "\n", nil
}

func TestJournalOfAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, ask := watchedClient(t, func(ctx context.Context, req upstream.Request) (string, error) {
			time.Sleep(100 * time.Millisecond)
			return answered(ctx, req)
		})
		begun := time.Now() // a full minute, at which synctest begins
		for minute := range 90 {
			for range 3 {
				ask(fmt.Sprintf("example.com/m%d", minute))
			}
			time.Sleep(time.Until(begun.Add(time.Duration(minute+1) * time.Minute)))
		}
		time.Sleep(10 * time.Second)
		r := h.Report()
		if len(r.Minutes) != 60 {
			t.Fatalf("the hour has %d minutes", len(r.Minutes))
		}
		for i, m := range r.Minutes {
			if want := begun.Add(time.Duration(31+i) * time.Minute); !m.Begin.Equal(want) {
				t.Errorf("minute %d begins at %v, want %v", i, m.Begin, want)
			}
			want := int64(3)
			if i == 59 {
				want = 0 // of the present one ten seconds are over
			}
			if m.Requests != want || m.Hits.Count != want-want/3 || m.Fetched.Count != want/3 {
				t.Errorf("minute %d: %+v", i, m)
			}
		}
		if r.LastHour.Requests != 59*3 || r.LastHour.Fetched.Count != 59 {
			t.Errorf("the hour: %+v", r.LastHour)
		}
		if p50 := r.LastHour.Fetched.P50; p50 < 0.09 || p50 > 0.11 {
			t.Errorf("half of the answers took %v s, want about 0.1", p50)
		}
		if got := r.Sources[0]; got.Answered != 59 || got.Failed != 0 || len(got.Minutes) != 60 {
			t.Errorf("the source: answered %d, failed %d, %d minutes", got.Answered, got.Failed, len(got.Minutes))
		}
		if got := r.Total["hit-memory"]; got != 180 {
			t.Errorf("%d hits since the begin, want 180", got)
		}
	})
}

func TestJournalForgetsAnIdleHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, ask := watchedClient(t, func(ctx context.Context, req upstream.Request) (string, error) {
			if req.Module() == "example.com/broken" {
				return "", outage(req)
			}
			return answered(ctx, req)
		})
		ask("example.com/good")
		ask("example.com/broken")
		time.Sleep(61 * time.Minute)
		r := h.Report()
		if r.LastHour.Requests != 0 || len(r.Modules) != 0 || len(r.Failures) != 0 || r.Sources[0].Answered != 0 {
			t.Errorf("after an idle hour: %+v, modules %v, failures %v", r.LastHour, r.Modules, r.Failures)
		}
	})
}

func TestJournalFoldsEqualFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, ask := watchedClient(t, func(_ context.Context, req upstream.Request) (string, error) { return "", outage(req) })
		ask("example.com/other")
		for range 4 { // fewer than open the circuit
			time.Sleep(2 * time.Second)
			ask("example.com/broken")
		}
		r := h.Report()
		if len(r.Failures) != 2 {
			t.Fatalf("%d failures, want 2: %+v", len(r.Failures), r.Failures)
		}
		got := r.Failures[0]
		if got.Module != "example.com/broken" || got.Times < 3 || !got.Last.After(got.First) || got.Outcome != "failed" {
			t.Errorf("the failure is %+v", got)
		}
		if len(got.Story) == 0 || !strings.Contains(got.Story[0], "scripted: unavailable (status 503)") {
			t.Errorf("its story is %q", got.Story)
		}
	})
}

// A thousand modules fail in one way, and one failed in another before.
func TestStormOfFailuresLeavesTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, ask := watchedClient(t, func(_ context.Context, req upstream.Request) (string, error) {
			if req.Module() == "example.com/lonely" {
				return "", &upstream.Error{Class: upstream.Untrusted, Request: req, Source: "scripted", Err: errors.New("another hash")}
			}
			return "", outage(req)
		})
		ask("example.com/lonely")
		for i := range 1000 {
			ask(fmt.Sprintf("example.com/m%d", i))
			time.Sleep(time.Millisecond)
		}
		r := h.Report()
		if len(r.Failures) != 50 {
			t.Fatalf("%d failures are listed, want 50", len(r.Failures))
		}
		var all, lonely int64
		for _, f := range r.Failures {
			all += f.Times + f.Others
			if f.Module == "example.com/lonely" {
				lonely++
			}
		}
		if lonely != 1 || all != 1001 {
			t.Errorf("the lonely one is listed %d times; %d failures are told of, want 1001", lonely, all)
		}
	})
}

func TestJournalOfCircuits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dead := true
		h, ask := watchedClient(t, func(ctx context.Context, req upstream.Request) (string, error) {
			if dead {
				return "", outage(req)
			}
			return answered(ctx, req)
		})
		begun := time.Now()
		for i := range 60 { // five minutes, in which each trial fails
			ask(fmt.Sprintf("example.com/m%d", i))
			time.Sleep(5 * time.Second)
		}
		r := h.Report()
		s := r.Sources[0]
		if s.State == "working" || s.Since.Sub(begun) > time.Minute {
			t.Errorf("a dead source is %q since %v", s.State, s.Since.Sub(begun))
		}
		if len(r.Changes) != 1 || r.Changes[0].State != "out" || r.Changes[0].Trials < 10 {
			t.Errorf("the changes are %+v, want one with many trials", r.Changes)
		}
		dead = false
		for range 10 {
			ask("example.com/again")
			time.Sleep(5 * time.Second)
		}
		r = h.Report()
		if len(r.Changes) != 2 || r.Changes[0].State != "working" || !r.Sources[0].Since.IsZero() || r.Sources[0].State != "working" {
			t.Errorf("when it is back, the changes are %+v, and the source is %+v", r.Changes, r.Sources[0])
		}
	})
}

func TestBusiestModules(t *testing.T) {
	h, ask := watchedClient(t, answered)
	for i := range 3000 { // more than are counted
		ask(fmt.Sprintf("example.com/rare%d", i))
		if i%10 == 0 {
			ask("example.com/Busy")
		}
	}
	for range 200 {
		ask("example.com/" + strings.Repeat("long", 100))
	}
	r := h.Report()
	if len(r.Modules) == 0 {
		t.Fatal("there are no modules")
	}
	want := fetch.StatusModule{Module: "example.com/Busy", Requests: 300, Hits: 299}
	if diff := cmp.Diff(want, r.Modules[0]); diff != "" {
		t.Errorf("the busiest module (-want +got):\n%s", diff)
	}
	if slices.ContainsFunc(r.Modules, func(m fetch.StatusModule) bool { return len(m.Module) > 300 }) {
		t.Error("a path of 400 bytes is listed")
	}
	if len(r.Modules) > 12 {
		t.Errorf("%d modules are listed", len(r.Modules))
	}
}

func TestClosedHandlerRecordsNoMore(t *testing.T) {
	h, ask := watchedClient(t, answered)
	ask("example.com/one")
	h.Close()
	h.Close()
	ask("example.com/two")
	if got := h.Report().LastHour.Requests; got != 1 {
		t.Errorf("%d requests are in the record, want 1", got)
	}
}

func TestJournalCountsEachOfManyAtOnce(t *testing.T) {
	h, ask := watchedClient(t, answered)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 500 {
				ask("example.com/module")
			}
		})
		h.Report() // meanwhile
	}
	all.Wait()
	r := h.Report()
	if r.LastHour.Requests != 4000 || len(r.Modules) != 1 || r.Modules[0].Requests != 4000 {
		t.Errorf("of 4000 requests %d are counted, and for modules %+v", r.LastHour.Requests, r.Modules)
	}
}

// BenchmarkJournal measures a warm hit without and with the record that a status
// page keeps, and with a hook that does nothing, which is what observing costs anyway.
func BenchmarkJournal(b *testing.B) {
	o := newOrigin(b)
	for _, observed := range []string{"alone", "hook", "journal"} {
		b.Run(observed, func(b *testing.B) {
			c := newClient(b, proxyOptions(serve(b, o)))
			switch observed {
			case "hook":
				c.Observe(&fetch.Trace{RequestEnd: func(context.Context, fetch.RequestEnd) {}})
			case "journal":
				defer fetch.NewStatusHandler(c, nil).Close()
			}
			req := request(b, upstream.Mod, "example.com/hello", "v1.0.0")
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					resp, err := c.Fetch(b.Context(), req)
					if err != nil {
						b.Fatal(err)
					}
					resp.Body.Close()
				}
			})
		})
	}
}
