package fetch_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/module"
)

const (
	checkedPath = "example.com/m"
	checkedZip  = checkedPath + "/@v/v1.0.0.zip"
)

func newCheckedShelf() *shelf {
	s := &shelf{}
	s.add(checkedPath, "v1.0.0", day)
	return s
}

func TestPolicyZipSize(t *testing.T) {
	tests := []struct {
		max  int64
		want string
	}{
		{0, "zip of v1.0.0"},
		{13, "zip of v1.0.0"},
		{12, "denied: the zip has 13 bytes, at most 12 are allowed"},
	}
	for _, tt := range tests {
		s := newCheckedShelf()
		policed, _ := police(t, fetch.Policy{MaxZipSize: tt.max}, s)
		if got := askPoliced(t, t.Context(), policed, checkedZip); got != tt.want {
			t.Errorf("at most %d: got %q, want %q", tt.max, got, tt.want)
		}
		if got, want := askPoliced(t, t.Context(), policed, checkedPath+"/@v/v1.0.0.mod"), "module example.com/m\n"; got != want {
			t.Errorf("at most %d: the go.mod file is %q", tt.max, got)
		}
		s.checkClosed(t)
	}
}

// A Fetcher that is none of ours need not say a size; its body must be seekable.
func TestPolicyZipOfUnknownSize(t *testing.T) {
	s := newCheckedShelf()
	check := func(_ context.Context, _ module.Version, zip io.ReaderAt, size int64) error {
		content, err := io.ReadAll(io.NewSectionReader(zip, 0, size))
		if err != nil || string(content) != "zip of v1.0.0" {
			return fmt.Errorf("read %q, %v", content, err)
		}
		return nil
	}
	silent := upstream.Func(func(ctx context.Context, req upstream.Request) (*upstream.Response, error) {
		resp, err := s.Fetch(ctx, req)
		resp.Size = 0
		return resp, err
	})
	stream := upstream.Func(func(ctx context.Context, req upstream.Request) (*upstream.Response, error) {
		resp, err := s.Fetch(ctx, req)
		resp.Size, resp.Body = 0, struct{ io.ReadCloser }{resp.Body}
		return resp, err
	})
	const unchecked = "denied: the Fetcher's zip cannot be checked: it is no io.ReaderAt, of no known size or not whole"
	tests := []struct {
		name   string
		f      fetch.Fetcher
		policy fetch.Policy
		want   string
	}{
		{"large enough", silent, fetch.Policy{MaxZipSize: 13, Check: check}, "zip of v1.0.0"},
		{"too large", silent, fetch.Policy{MaxZipSize: 12}, "denied: the zip has 13 bytes, at most 12 are allowed"},
		{"a stream for its size", stream, fetch.Policy{MaxZipSize: 13}, "unavailable: the size of the zip is not known: unavailable: the Fetcher does not say it"},
		{"a stream to check", stream, fetch.Policy{Check: check}, unchecked},
		{"a stream", stream, fetch.Policy{}, "zip of v1.0.0"},
	}
	for _, tt := range tests {
		policed, _ := police(t, tt.policy, tt.f)
		if got := askPoliced(t, t.Context(), policed, checkedZip); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
	s.checkClosed(t)
}

func TestCheckDecides(t *testing.T) {
	tests := []struct {
		name  string
		check func(ctx context.Context, m module.Version, zip io.ReaderAt, size int64) error
		want  string
	}{
		{"it may be had", func(_ context.Context, m module.Version, zip io.ReaderAt, size int64) error {
			content, err := io.ReadAll(io.NewSectionReader(zip, 0, size))
			if got := fmt.Sprintf("%v %s %v", m, content, err); got != "example.com/m@v1.0.0 zip of v1.0.0 <nil>" {
				return errors.New(got)
			}
			return nil
		}, "zip of v1.0.0"},
		{"it says no", func(context.Context, module.Version, io.ReaderAt, int64) error {
			return errors.New("GO-2026-0001: remote\ncode execution")
		}, "denied: GO-2026-0001: remote code execution"},
		{"it says no at length", func(context.Context, module.Version, io.ReaderAt, int64) error {
			return errors.New(strings.Repeat("no ", 1000))
		}, "denied: " + strings.Repeat("no ", 79) + "..."},
		{"it says that something else is absent", func(context.Context, module.Version, io.ReaderAt, int64) error {
			return absent(request(t, upstream.Mod, "example.com/licence", "v1.0.0"))
		}, "denied: example.com/licence@v1.0.0 (mod): scripted: not found (status 404)"},
		{"its own source is down", func(context.Context, module.Version, io.ReaderAt, int64) error {
			return outage(request(t, upstream.Mod, "example.com/licence", "v1.0.0"))
		}, "denied: the check failed: example.com/licence@v1.0.0 (mod): scripted: unavailable (status 503)"},
		{"it panics", func(context.Context, module.Version, io.ReaderAt, int64) error {
			panic("over")
		}, "denied: the check failed: it panicked: over"},
		{"it takes too long", func(ctx context.Context, _ module.Version, _ io.ReaderAt, _ int64) error {
			<-ctx.Done()
			return ctx.Err()
		}, "denied: the check failed: no answer within 5s"},
		{"it returns a nil pointer", func(context.Context, module.Version, io.ReaderAt, int64) error {
			return (*upstream.Error)(nil)
		}, "denied: the check failed: it returned an error that is a nil pointer"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newCheckedShelf()
				policed, _ := police(t, fetch.Policy{Check: tt.check}, s)
				if got := askPoliced(t, t.Context(), policed, checkedZip); got != tt.want {
					t.Errorf("got %q, want %q", got, tt.want)
				}
				if got, want := askPoliced(t, t.Context(), policed, checkedPath+"/@v/v1.0.0.mod"), "module example.com/m\n"; got != want {
					t.Errorf("the go.mod file is %q", got)
				}
				synctest.Wait()
				s.checkClosed(t)
			})
		})
	}
}

func TestCheckErrorCanBeUnwrapped(t *testing.T) {
	why := errors.New("GPL")
	policed, _ := police(t, fetch.Policy{Check: func(context.Context, module.Version, io.ReaderAt, int64) error { return why }}, newCheckedShelf())
	_, err := upstream.OpenZip(t.Context(), policed, module.Version{Path: checkedPath, Version: "v1.0.0"})
	if !errors.Is(err, why) || upstream.ClassOf(err) != upstream.Denied {
		t.Errorf("got %v", err)
	}
}

// What Check said is remembered for CheckTTL, a denial for a minute, a failure
// not at all.
func TestCheckIsRemembered(t *testing.T) {
	no, down := errors.New("no"), &upstream.Error{Text: "down"}
	tests := []struct {
		name    string
		ttl     time.Duration
		says    error
		offline bool
		want    []int64 // calls after asking twice at once, then after 59 s, 61 s, 61 min
	}{
		{"allowed", 0, nil, false, []int64{1, 1, 1, 2}},
		{"denied", 0, no, false, []int64{1, 1, 2, 3}},
		{"failed", 0, down, false, []int64{2, 3, 4, 5}},
		{"allowed, for a short time", 10 * time.Second, nil, false, []int64{1, 2, 2, 3}},
		{"denied, for a short time", 10 * time.Second, no, false, []int64{1, 2, 2, 3}},
		{"allowed, not to be remembered", -1, nil, false, []int64{2, 3, 4, 5}},
		{"denied, not to be remembered", -1, no, false, []int64{2, 3, 4, 5}},
		{"allowed offline", 0, nil, true, []int64{2, 3, 4, 5}},
		{"denied offline", 0, no, true, []int64{2, 3, 4, 5}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var calls atomic.Int64
				s := newCheckedShelf()
				policed, _ := police(t, fetch.Policy{CheckTTL: tt.ttl, Check: func(context.Context, module.Version, io.ReaderAt, int64) error {
					calls.Add(1)
					return tt.says
				}}, s)
				ctx := t.Context()
				if tt.offline {
					ctx = upstream.WithOffline(ctx)
				}
				var got []int64
				first := askPoliced(t, ctx, policed, checkedZip)
				for _, pause := range []time.Duration{0, 59 * time.Second, 2 * time.Second, time.Hour} {
					time.Sleep(pause)
					if again := askPoliced(t, ctx, policed, checkedZip); again != first {
						t.Errorf("after %v: got %q, had %q", pause, again, first)
					}
					got = append(got, calls.Load())
				}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("calls (-want +got):\n%s", diff)
				}
				s.checkClosed(t)
			})
		})
	}
}

// Check is asked once by all who ask at the same time; who gives up does not take
// the zip away from it.
func TestCheckIsAskedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int64
		s := newCheckedShelf()
		policed, _ := police(t, fetch.Policy{Check: func(_ context.Context, _ module.Version, zip io.ReaderAt, size int64) error {
			calls.Add(1)
			time.Sleep(3 * time.Second)
			if s.bodies() < 1 {
				t.Error("the zip was closed while it was being checked")
			}
			return nil
		}}, s)
		impatient, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		got := make([]string, 100)
		var callers sync.WaitGroup
		for i := range got {
			ctx := t.Context()
			if i%2 == 0 {
				ctx = impatient
			}
			callers.Go(func() {
				if i > 0 {
					time.Sleep(time.Millisecond) // the first is an impatient one
				}
				got[i] = askPoliced(t, ctx, policed, checkedZip)
			})
		}
		callers.Wait()
		for i, answer := range got {
			want := "zip of v1.0.0"
			if i%2 == 0 {
				want = "timeout: the check failed: timeout: context deadline exceeded"
			}
			if answer != want {
				t.Errorf("caller %d: got %q, want %q", i, answer, want)
			}
		}
		if n := calls.Load(); n != 1 {
			t.Errorf("Check was called %d times", n)
		}
		synctest.Wait()
		s.checkClosed(t)
	})
}

// A Check that does not heed its context keeps nobody waiting but Close; it is
// not called again meanwhile, its zip stays open, and what it says in the end is
// remembered.
func TestCheckThatDoesNotEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int64
		s := newCheckedShelf()
		policed, decisions := police(t, fetch.Policy{CheckTimeout: 2 * time.Second, Check: func(context.Context, module.Version, io.ReaderAt, int64) error {
			calls.Add(1)
			time.Sleep(time.Minute)
			return nil
		}}, s)
		start := time.Now()
		for range 3 {
			if got, want := askPoliced(t, t.Context(), policed, checkedZip), "denied: the check failed: no answer within 2s"; got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		}
		if waited := time.Since(start); waited != 2*time.Second {
			t.Errorf("the callers waited for %v", waited)
		}
		if s.bodies() != 1 || calls.Load() != 1 {
			t.Errorf("%d bodies are open, %d calls", s.bodies(), calls.Load())
		}
		time.Sleep(time.Minute)
		s.checkClosed(t)
		if got := askPoliced(t, t.Context(), policed, checkedZip); got != "zip of v1.0.0" || calls.Load() != 1 {
			t.Errorf("got %q after %d calls", got, calls.Load())
		}
		const denied = checkedZip + " denied by check: the check failed: no answer within 2s"
		if diff := cmp.Diff([]string{denied, denied, denied, checkedZip + " allowed by check:"}, decisions()); diff != "" {
			t.Errorf("decisions (-want +got):\n%s", diff)
		}
	})
}

// At most 64 calls are under way; who finds no place is denied in time.
func TestChecksAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var now, most, denied atomic.Int64
		s := &shelf{}
		for i := range 100 {
			s.add(checkedPath, fmt.Sprintf("v1.0.%d", i), day)
		}
		policed, _ := police(t, fetch.Policy{Check: func(context.Context, module.Version, io.ReaderAt, int64) error {
			most.Store(max(most.Load(), now.Add(1)))
			time.Sleep(time.Minute)
			now.Add(-1)
			return nil
		}}, s)
		var callers sync.WaitGroup
		for i := range 100 {
			callers.Go(func() {
				got := askPoliced(t, t.Context(), policed, fmt.Sprintf("%s/@v/v1.0.%d.zip", checkedPath, i))
				if got == "denied: the check failed: no answer within 5s" {
					denied.Add(1)
				}
			})
		}
		callers.Wait()
		if most.Load() != 64 || denied.Load() != 100 {
			t.Errorf("%d calls at the same time, %d denials, want 64 and 100", most.Load(), denied.Load())
		}
		policed.Close()
		s.checkClosed(t)
	})
}

// A Check that heeds its context may do better the next time; its place is free
// again.
func TestCheckMayBeTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int64
		s := newCheckedShelf()
		policed, _ := police(t, fetch.Policy{Check: func(ctx context.Context, _ module.Version, _ io.ReaderAt, _ int64) error {
			if calls.Add(1) > 100 {
				return nil
			}
			<-ctx.Done()
			return errors.New("hurried")
		}}, s)
		for range 100 {
			if got, want := askPoliced(t, t.Context(), policed, checkedZip), "denied: the check failed: no answer within 5s"; got != want {
				t.Fatalf("got %q, want %q", got, want)
			}
			synctest.Wait()
		}
		if got := askPoliced(t, t.Context(), policed, checkedZip); got != "zip of v1.0.0" {
			t.Errorf("got %q", got)
		}
		s.checkClosed(t)
	})
}

// Check never sees the rest of a zip whose beginning somebody has: neither is it
// asked for, nor is one taken that came nevertheless.
func TestCheckNeedsTheWholeZip(t *testing.T) {
	var ranges []string
	server := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ranges = append(ranges, r.Header.Get("Range"))
		io.WriteString(w, "zip")
	}))
	source, err := upstream.NewHTTP(server, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx := upstream.WithResumePoint(t.Context(), upstream.ResumePoint{Offset: 2, Size: 3, Validator: `"v"`})
	policed, _ := police(t, fetch.Policy{MaxZipSize: 3}, source)
	if got := askPoliced(t, ctx, policed, checkedZip); got != "zip" || !slices.Equal(ranges, []string{""}) {
		t.Errorf("got %q, with ranges %q", got, ranges)
	}
	s := newCheckedShelf()
	policed, _ = police(t, fetch.Policy{Check: func(context.Context, module.Version, io.ReaderAt, int64) error { return nil }},
		upstream.Func(func(ctx context.Context, req upstream.Request) (*upstream.Response, error) {
			resp, err := s.Fetch(ctx, req)
			resp.Offset = 2
			return resp, err
		}))
	if got, want := askPoliced(t, ctx, policed, checkedZip), "denied: the Fetcher's zip cannot be checked"; !strings.HasPrefix(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	s.checkClosed(t)
}

func TestPolicedClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := false
		s := newCheckedShelf()
		s.add(checkedPath, "v1.1.0", day)
		policed, _ := police(t, fetch.Policy{Check: func(ctx context.Context, _ module.Version, _ io.ReaderAt, _ int64) error {
			<-ctx.Done()
			time.Sleep(time.Second) // it cleans up
			ended = true
			return ctx.Err()
		}}, s)
		answer := make(chan string)
		go func() { answer <- askPoliced(t, t.Context(), policed, checkedZip) }()
		synctest.Wait()
		policed.Close()
		if !ended {
			t.Error("Close did not wait for the call")
		}
		const closed = "canceled: the check failed: canceled: the fetcher is closed"
		if got := <-answer; got != closed {
			t.Errorf("who waited got %q, want %q", got, closed)
		}
		if got := askPoliced(t, t.Context(), policed, checkedPath+"/@v/v1.1.0.zip"); got != closed {
			t.Errorf("who came later got %q, want %q", got, closed)
		}
		if got := askPoliced(t, t.Context(), policed, checkedPath+"/@v/v1.1.0.mod"); got != "module example.com/m\n" {
			t.Errorf("what needs no call: got %q", got)
		}
		policed.Close()
		s.checkClosed(t)
	})
}

// Offline, Check may do what it can without the network; that it fails is then no
// denial for good. An offline caller does not join one who is online.
func TestCheckOffline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newCheckedShelf()
		policed, _ := police(t, fetch.Policy{Check: func(ctx context.Context, _ module.Version, _ io.ReaderAt, _ int64) error {
			if upstream.Offline(ctx) {
				return &upstream.Error{Err: upstream.ErrOffline}
			}
			time.Sleep(time.Second)
			return nil
		}}, s)
		online := make(chan string)
		go func() { online <- askPoliced(t, t.Context(), policed, checkedZip) }()
		synctest.Wait()
		offline := upstream.WithOffline(t.Context())
		if got, want := askPoliced(t, offline, policed, checkedZip), "unavailable: the check failed while offline: unavailable: "; !strings.HasPrefix(got, want) {
			t.Errorf("got %q, want %q...", got, want)
		}
		if got := <-online; got != "zip of v1.0.0" {
			t.Errorf("online: got %q", got)
		}
		if got := askPoliced(t, offline, policed, checkedZip); got != "zip of v1.0.0" {
			t.Errorf("offline, with a verdict that is remembered: got %q", got)
		}
		s.checkClosed(t)
	})
}

// The parts are asked in order, and none after the first that denies.
func TestPolicyOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s *shelf
		checked := false
		all := fetch.Policy{
			Rules: []fetch.Rule{{Patterns: "*", Reason: "rule"}}, Cooldown: 7 * day, MaxZipSize: 1,
			Check: func(context.Context, module.Version, io.ReaderAt, int64) error {
				checked = true
				return errors.New("no")
			},
		}
		tests := []struct {
			name string
			edit func(p *fetch.Policy)
			want string
			asks []string // files of the version
		}{
			{"rule", func(p *fetch.Policy) {}, "denied by rule: rule", nil},
			{"allowed by a rule", func(p *fetch.Policy) { p.Rules[0].Allow = true },
				"denied by cooldown: v1.0.0 is too young: published 1999-12-31 00:00 UTC, allowed from 2000-01-07 00:00 UTC", []string{"info"}},
			{"exempt", func(p *fetch.Policy) { p.Rules, p.CooldownExempt = nil, "example.com" }, "denied by size: the zip has 13 bytes, at most 1 are allowed", []string{"zip"}},
			{"small", func(p *fetch.Policy) { p.Rules, p.CooldownExempt, p.MaxZipSize = nil, "*", 0 }, "denied by check: no", []string{"zip"}},
			{"all allow", func(p *fetch.Policy) { p.Cooldown, p.MaxZipSize, p.Check = 1, 99, nil; p.Rules[0].Allow = true }, "allowed by rule: rule", []string{"info", "zip"}},
			{"cooldown and size allow", func(p *fetch.Policy) { p.Rules, p.Cooldown, p.MaxZipSize, p.Check = nil, 1, 99, nil }, "allowed by cooldown:", []string{"info", "zip"}},
			{"size allows", func(p *fetch.Policy) { p.Rules, p.Cooldown, p.MaxZipSize, p.Check = nil, 0, 99, nil }, "allowed by size:", []string{"zip"}},
			{"nothing is asked", func(p *fetch.Policy) { *p = fetch.Policy{} }, "", []string{"zip"}},
		}
		for _, tt := range tests {
			s, checked = newCheckedShelf(), false
			p := all
			p.Rules = slices.Clone(all.Rules)
			tt.edit(&p)
			policed, decisions := police(t, p, s)
			askPoliced(t, t.Context(), policed, checkedZip)
			var want []string
			if tt.want != "" {
				want = []string{checkedZip + " " + tt.want}
			}
			if diff := cmp.Diff(want, decisions()); diff != "" {
				t.Errorf("%s: decisions (-want +got):\n%s", tt.name, diff)
			}
			var asks []string
			for _, ext := range tt.asks {
				asks = append(asks, checkedPath+"/@v/v1.0.0."+ext)
			}
			if diff := cmp.Diff(asks, s.takeAsked()); diff != "" {
				t.Errorf("%s: asked of the Fetcher (-want +got):\n%s", tt.name, diff)
			}
			if wantChecked := strings.Contains(tt.want, "by check"); checked != wantChecked {
				t.Errorf("%s: Check was asked: %v", tt.name, checked)
			}
			s.checkClosed(t)
		}
	})
}
