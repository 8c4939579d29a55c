package fetch_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/breaker"
	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
)

// A diary has a line for each event that a Client tells of.
type diary struct {
	mu    sync.Mutex
	lines []string
}

func (d *diary) write(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, fmt.Sprintf(format, args...))
}

// read returns the lines since the last call.
func (d *diary) read() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	lines := d.lines
	d.lines = nil
	return lines
}

type insideKey struct{}

// inside says which calls a context comes from.
func inside(ctx context.Context) string {
	s, _ := ctx.Value(insideKey{}).(string)
	return s
}

func (d *diary) trace() *fetch.Trace {
	return &fetch.Trace{
		RequestStart: func(ctx context.Context, e fetch.RequestStart) context.Context {
			d.write("request %v", e.Request)
			return context.WithValue(ctx, insideKey{}, "request")
		},
		RequestEnd: func(ctx context.Context, e fetch.RequestEnd) {
			line := fmt.Sprintf("%s ends: %v from %q, %d bytes, %v", inside(ctx), e.Outcome, e.Source, e.Size, e.Took)
			if e.Err != nil {
				line += ", " + e.Err.Class.String()
			}
			d.write("%s", line)
		},
		AttemptStart: func(ctx context.Context, e fetch.AttemptStart) context.Context {
			d.write("%s asks %s", inside(ctx), e.Source)
			return context.WithValue(ctx, insideKey{}, inside(ctx)+" attempt")
		},
		AttemptEnd: func(ctx context.Context, a upstream.Attempt) {
			d.write("%s ends: %v; first byte %v, %d bytes", inside(ctx), a, a.FirstByte, a.Size)
		},
		Retry:         func(ctx context.Context, e breaker.RetryEvent) { d.write("%s retry: %v", inside(ctx), e.Reason) },
		CircuitChange: func(e breaker.CircuitChange) { d.write("circuit of %s: %v", e.Source, e.To) },
		Hedge: func(ctx context.Context, e upstream.HedgeEvent) {
			d.write("%s hedge: %s beside %s after %v, again %v, won %v", inside(ctx), e.Source, e.Beside, e.After, e.Again, e.Won)
		},
		Verification: func(ctx context.Context, e fetch.Verification) {
			d.write("%s verification: %q, %v", inside(ctx), e.Verified, upstream.ClassOf(e.Err))
		},
		Commit: func(ctx context.Context, e fetch.Commit) {
			d.write("%s commit: %d bytes, failed %v", inside(ctx), e.Size, e.Err != nil)
		},
		Eviction:   func(e cache.Eviction) { d.write("eviction: %d entries", e.Entries) },
		Corruption: func(c cache.Corruption) { d.write("corruption: %s", c.Key) },
		Degradation: func(ctx context.Context, e fetch.Degradation) {
			d.write("%s degradation: %v", inside(ctx), e.What)
		},
	}
}

// slowly answers after a second with a body of four bytes.
func slowly(ctx context.Context, req upstream.Request) (string, error) {
	select {
	case <-time.After(time.Second):
		return "v1.0", nil
	case <-ctx.Done():
		return "", upstream.ContextError(ctx, req, "scripted")
	}
}

func down(_ context.Context, req upstream.Request) (string, error) { return "", outage(req) }

// Each case is one Client that is asked, step by step, for the list of a module.
func TestTraceTellsWhatHappens(t *testing.T) {
	type answerer func(context.Context, upstream.Request) (string, error)
	type step struct {
		after  time.Duration
		source answerer
		ctx    func(context.Context) context.Context
		want   []string
	}
	missed := []string{
		"request example.com/hello/@v/list", "request asks scripted",
		"request attempt ends: scripted: answered in 1s; first byte 1s, 7 bytes",
		"request commit: 7 bytes, failed false", `request ends: miss from "scripted", 7 bytes, 1s`,
	}
	list := func(ctx context.Context, req upstream.Request) (string, error) {
		_, err := slowly(ctx, req)
		return "v1.0.0\n", err
	}
	gone := func(_ context.Context, req upstream.Request) (string, error) { return "", absent(req) }
	timeout := func(ctx context.Context) context.Context {
		ctx, cancel := context.WithTimeout(ctx, time.Millisecond)
		context.AfterFunc(ctx, cancel)
		return ctx
	}
	tests := []struct {
		name  string
		opts  fetch.Options
		steps []step
	}{
		{"a miss and a hit", fetch.Options{}, []step{
			{0, list, nil, missed},
			{time.Second, down, nil, []string{
				"request example.com/hello/@v/list", `request ends: hit-memory from "memory", 7 bytes, 0s`,
			}},
		}},
		{"an old answer", fetch.Options{}, []step{
			{0, list, nil, missed},
			{time.Hour, down, nil, []string{
				"request example.com/hello/@v/list", "request asks scripted",
				"request attempt ends: scripted: unavailable (status 503), after 0s; first byte 0s, 0 bytes",
				"request retry: that is the limit",
				"request degradation: stale", `request ends: stale from "memory", 7 bytes, 0s, unavailable`,
			}},
			{time.Second, down, nil, []string{
				"request example.com/hello/@v/list", "request degradation: stale",
				`request ends: stale from "memory", 7 bytes, 0s, unavailable`,
			}},
		}},
		{"an answer that is being renewed", fetch.Options{}, []step{
			{0, list, nil, missed},
			{2 * time.Minute, list, nil, []string{
				"request example.com/hello/@v/list", `request ends: stale from "memory", 7 bytes, 0s`,
				"request asks scripted", "request attempt ends: scripted: answered in 1s; first byte 1s, 7 bytes",
				"request commit: 7 bytes, failed false",
			}},
		}},
		{"absence, remembered", fetch.Options{}, []step{
			{0, gone, nil, []string{
				"request example.com/hello/@v/list", "request asks scripted",
				"request attempt ends: scripted: not found (status 404), after 0s; first byte 0s, 0 bytes",
				"request retry: another try would not help",
				`request ends: not-found from "", 0 bytes, 0s, not found`,
			}},
			{time.Second, list, nil, []string{
				"request example.com/hello/@v/list", `request ends: negative from "", 0 bytes, 0s, not found`,
			}},
		}},
		{"a name that is claimed", fetch.Options{Claimed: "example.com"}, []step{
			{0, list, nil, []string{
				"request example.com/hello/@v/list", `request ends: denied from "", 0 bytes, 0s, denied`,
			}},
		}},
		{"offline", fetch.Options{}, []step{
			{0, list, upstream.WithOffline, []string{
				"request example.com/hello/@v/list", `request ends: offline from "", 0 bytes, 0s, unavailable`,
			}},
		}},
		{"a caller without patience", fetch.Options{}, []step{
			{0, list, timeout, []string{
				"request example.com/hello/@v/list", "request asks scripted",
				`request ends: canceled from "", 0 bytes, 1ms, timeout`,
				"request attempt ends: scripted: answered in 1s; first byte 1s, 7 bytes", // within the grace
				"request commit: 7 bytes, failed false",
			}},
		}},
		{"another try", fetch.Options{Retry: &breaker.RetryOptions{Tries: 2, FirstWait: -1}, Circuit: &breaker.CircuitOptions{ConsecutiveFailures: 2}}, []step{
			{0, down, nil, []string{
				"request example.com/hello/@v/list", "request asks scripted",
				"request attempt ends: scripted: unavailable (status 503), after 0s; first byte 0s, 0 bytes",
				"request retry: it is tried again", "request asks scripted", "circuit of scripted: out",
				"request attempt ends: scripted: unavailable (status 503), after 0s; first byte 0s, 0 bytes",
				"request retry: that is the limit", `request ends: failed from "", 0 bytes, 0s, unavailable`,
			}},
		}},
		{"a store that fails", fetch.Options{Store: brokenStore{}}, []step{
			{0, list, nil, []string{
				"request example.com/hello/@v/list", "request degradation: cache-unreadable",
				"request degradation: cache-unreadable", "request asks scripted",
				"request attempt ends: scripted: answered in 1s; first byte 1s, 7 bytes",
				"request commit: 7 bytes, failed true", "request degradation: cache-unwritable",
				`request ends: miss from "scripted", 7 bytes, 1s`,
			}},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var d diary
				source := new(scripted)
				tt.opts.Upstream, tt.opts.Trace = source, d.trace()
				c := newClient(t, tt.opts)
				for i, s := range tt.steps {
					time.Sleep(s.after)
					source.answer = s.source
					ctx := t.Context()
					if s.ctx != nil {
						ctx = s.ctx(ctx)
					}
					resp, err := c.Fetch(ctx, request(t, upstream.List, "example.com/hello", ""))
					if err == nil {
						resp.Body.Close()
					}
					time.Sleep(2 * time.Second)
					synctest.Wait()
					if diff := cmp.Diff(s.want, d.read()); diff != "" {
						t.Errorf("step %d (-want +got):\n%s", i, diff)
					}
				}
			})
		})
	}
}

type brokenStore struct{}

var errBrokenStore = errors.New("input/output error")

func (brokenStore) Get(context.Context, string) (*cache.Entry, error) { return nil, errBrokenStore }
func (brokenStore) Put(context.Context, string, cache.Content) error  { return errBrokenStore }

// Of many who ask at once, one has a miss, and the others are told that they
// shared it.
func TestTraceOfManyAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		c := newClient(t, fetch.Options{Upstream: &scripted{answer: slowly}, Trace: d.trace()})
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() {
				resp, err := c.Fetch(t.Context(), request(t, upstream.List, "example.com/hello", ""))
				if err == nil {
					resp.Body.Close()
				}
			})
			synctest.Wait()
		}
		if n := c.Stats(); n.InFlight != 3 || n.Flights != 1 {
			t.Errorf("%d requests and %d flights under way, want 3 and 1", n.InFlight, n.Flights)
		}
		all.Wait()
		var ends []string
		for _, line := range d.read() {
			if strings.HasPrefix(line, "request ends") {
				ends = append(ends, strings.Fields(line)[2])
			}
		}
		n := c.Stats()
		if n.Requests[fetch.Miss] != 1 || n.Requests[fetch.Coalesced] != 2 || n.Total() != 3 || n.InFlight != 0 {
			t.Errorf("ends: %v, figures %+v; want one miss, the others coalesced", ends, n.Requests)
		}
	})
}

func TestTraceOfVerification(t *testing.T) {
	const attempt, mismatch = "request attempt ends: scripted: answered in 0s; first byte 0s, 25 bytes", "request attempt ends: scripted: untrusted"
	tests := []struct {
		name  string
		truth string
		up    bool
		want  []string
	}{
		{"it is what it must be", goMod, true, []string{
			attempt, `request verification: "verifier", unavailable`, `request ends: miss from "scripted"`, "request commit",
			`request ends: hit-memory from "memory"`,
		}},
		{"it is not", goMod + "// and more\n", true, []string{
			`request attempt verification: "", untrusted`, mismatch, `request ends: failed from ""`,
			`request attempt verification: "", untrusted`, mismatch, `request ends: failed from ""`,
		}},
		{"nobody can be asked", goMod, false, []string{
			attempt, `request verification: "", unavailable`, "request degradation: unverified", `request ends: miss from "scripted"`, "request commit",
			"request degradation: unverified", `request ends: hit-memory from "memory"`,
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var d diary
				source := &scripted{answer: func(context.Context, upstream.Request) (string, error) { return goMod, nil }}
				v := &vouching{mod: tt.truth}
				v.up.Store(tt.up)
				c := newClient(t, fetch.Options{Upstream: source, Verifier: v, WhenReachable: true, Trace: d.trace()})
				var got []string
				for range 2 {
					resp, err := c.Fetch(t.Context(), request(t, upstream.Mod, "example.com/hello", "v1.0.0"))
					if err == nil {
						resp.Body.Close()
					}
					flush(t, c)
					got = append(got, commitLast(d.read())...)
				}
				if diff := cmp.Diff(tt.want, abridged(got, tt.want)); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		})
	}
}

// commitLast moves what tells of a commit to the end: it goes on while the caller has
// the answer already, so it may be told before or after that.
func commitLast(lines []string) []string {
	var others, commits []string
	for _, line := range lines {
		if strings.HasPrefix(line, "request commit") {
			commits = append(commits, line)
		} else {
			others = append(others, line)
		}
	}
	return append(others, commits...)
}

// abridged leaves out how things begin, and of each line what is not wanted of it.
func abridged(lines, want []string) []string {
	var short []string
	for _, line := range lines {
		if strings.HasPrefix(line, "request example.com") || strings.Contains(line, " asks ") || strings.Contains(line, "retry") {
			continue
		}
		if i := len(short); i < len(want) && strings.HasPrefix(line, want[i]) {
			line = want[i]
		}
		short = append(short, line)
	}
	return short
}

// What was verified later, in the background, is told as well.
func TestTraceOfLateVerification(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		source := &scripted{answer: func(context.Context, upstream.Request) (string, error) { return goMod, nil }}
		v := &vouching{mod: goMod}
		c := newClient(t, fetch.Options{Upstream: source, Verifier: v, WhenReachable: true, Trace: d.trace()})
		resp, err := c.Fetch(t.Context(), request(t, upstream.Mod, "example.com/hello", "v1.0.0"))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if n := c.Stats(); n.Unverified != 1 || n.Unverifiable != 1 || n.Verified != 0 {
			t.Errorf("before: %d unverified files, %d not verified, %d verified; want 1, 1, 0", n.Unverified, n.Unverifiable, n.Verified)
		}
		d.read()
		v.up.Store(true)
		time.Sleep(time.Minute)
		synctest.Wait()
		if diff := cmp.Diff([]string{` verification: "verifier", unavailable`}, d.read()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if n := c.Stats(); n.Unverified != 0 || n.Verified != 1 {
			t.Errorf("afterwards: %d unverified files, %d verified; want 0, 1", n.Unverified, n.Verified)
		}
	})
}

// A mirror that is slow is outpaced by the next one, and that is told.
func TestTraceOfHedge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		quick := &scripted{answer: func(context.Context, upstream.Request) (string, error) { return "v1.0.0\n", nil }}
		slow := &scripted{answer: slowly}
		c := newClient(t, fetch.Options{
			Upstream: upstream.Mirrors(upstream.WithName("slow", slow), upstream.WithName("quick", quick)),
			Hedge:    &upstream.HedgeOptions{Initial: 100 * time.Millisecond},
			Trace:    d.trace(),
		})
		resp, err := c.Fetch(t.Context(), request(t, upstream.List, "example.com/hello", ""))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		time.Sleep(time.Second)
		want := []string{
			"request example.com/hello/@v/list", "request asks slow", "request asks quick",
			"request attempt ends: quick: answered in 0s; first byte 0s, 7 bytes",
			"request hedge: quick beside slow after 100ms, again false, won true",
			"request attempt ends: slow: outpaced after 100ms; first byte 0s, 0 bytes",
			"request commit: 7 bytes, failed false", `request ends: miss from "scripted", 7 bytes, 100ms`,
		}
		got := d.read()
		slices.Sort(want[4:]) // what goes on at the same time
		slices.Sort(got[4:])
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if n := c.Stats(); n.Hedges != 1 || n.HedgesWon != 1 {
			t.Errorf("%d hedges, %d won; want 1 and 1", n.Hedges, n.HedgesWon)
		}
	})
}

// The default store tells of what it finds damaged and of what it removes.
func TestTraceOfTheStore(t *testing.T) {
	var d diary
	dir := t.TempDir()
	source := &scripted{answer: func(context.Context, upstream.Request) (string, error) { return goMod, nil }}
	opts := fetch.Options{Upstream: source, CacheDir: dir, MemoryBytes: -1, Trace: d.trace()}
	first := newClient(t, opts)
	readKey(t, first, "example.com/hello/@v/v1.0.0.mod")
	first.Close()
	file := filepath.Join(dir, "example.com/hello/@v/v1.0.0.mod")
	info, err := os.Stat(file)
	if err == nil {
		err = os.WriteFile(file, []byte(strings.ToUpper(goMod)), 0o644)
	}
	if err == nil {
		err = os.Chtimes(file, info.ModTime(), info.ModTime()) // as bit rot leaves it
	}
	if err != nil {
		t.Fatal(err)
	}
	d.read()
	readKey(t, newClient(t, opts), "example.com/hello/@v/v1.0.0.mod")
	if got := d.read(); !slices.Contains(got, "corruption: example.com/hello/@v/v1.0.0.mod") {
		t.Errorf("no corruption was told: %q", got)
	}
}

// Hooks can come and go while a Client works, and stay when it is reconfigured.
func TestObserve(t *testing.T) {
	var mine, its, other diary
	opts := fetch.Options{Upstream: &scripted{answer: down}, Trace: its.trace(), Logger: slog.New(slog.DiscardHandler)}
	c := newClient(t, opts)
	ask := func() { c.Fetch(t.Context(), request(t, upstream.List, "example.com/hello", "")) }
	told := func() []bool { return []bool{len(mine.read()) > 0, len(its.read()) > 0, len(other.read()) > 0} }
	stop := c.Observe(mine.trace())
	c.Observe(nil)()
	ask()
	if diff := cmp.Diff([]bool{true, true, false}, told()); diff != "" {
		t.Errorf("with both (-want +got):\n%s", diff)
	}
	opts.Trace, opts.Go, opts.Retry = other.trace(), &fetch.GoSettings{GOSUMDB: "off"}, &breaker.RetryOptions{Tries: 1}
	if err := c.Reconfigure(&opts); err != nil {
		t.Fatal(err)
	}
	ask()
	if diff := cmp.Diff([]bool{true, false, true}, told()); diff != "" {
		t.Errorf("with other options (-want +got):\n%s", diff)
	}
	stop()
	stop()
	ask()
	if diff := cmp.Diff([]bool{false, false, true}, told()); diff != "" {
		t.Errorf("after stop (-want +got):\n%s", diff)
	}
	if n := c.Stats().Requests[fetch.Failed]; n != 3 {
		t.Errorf("%d failures counted, want 3", n)
	}
}

// The End hooks see what the Start hooks of the same Trace have put into the
// context, and are called in the reverse order.
func TestJoinTraces(t *testing.T) {
	var order []string
	trace := func(name string) *fetch.Trace {
		return &fetch.Trace{
			RequestStart: func(ctx context.Context, _ fetch.RequestStart) context.Context {
				order = append(order, name+" begins in "+inside(ctx))
				return context.WithValue(ctx, insideKey{}, name)
			},
			RequestEnd: func(ctx context.Context, _ fetch.RequestEnd) { order = append(order, name+" ends in "+inside(ctx)) },
		}
	}
	joined := fetch.JoinTraces(trace("a"), nil, trace("b"), &fetch.Trace{})
	joined.RequestEnd(joined.RequestStart(t.Context(), fetch.RequestStart{}), fetch.RequestEnd{})
	want := []string{"a begins in ", "b begins in a", "b ends in b", "a ends in b"}
	if diff := cmp.Diff(want, order); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if joined.AttemptStart != nil || joined.Eviction != nil {
		t.Error("a hook that nobody has is not nil")
	}
}

// A store that panics is the embedder's to mend; the figures stay right.
func TestPanicIsCounted(t *testing.T) {
	c := newClient(t, fetch.Options{Upstream: &scripted{answer: down}, Store: panickingStore{}})
	func() {
		defer func() { recover() }()
		c.Fetch(t.Context(), request(t, upstream.List, "example.com/hello", ""))
	}()
	if n := c.Stats(); n.InFlight != 0 || n.Requests[fetch.Failed] != 1 {
		t.Errorf("%d in flight, %d failed; want 0 and 1", n.InFlight, n.Requests[fetch.Failed])
	}
}

type panickingStore struct{ brokenStore }

func (panickingStore) Get(context.Context, string) (*cache.Entry, error) { panic("broken") }

// Nor are they wrong for ever when a hook panics, which it must not.
func TestPanicOfAHookIsNotCounted(t *testing.T) {
	c := newClient(t, fetch.Options{Upstream: &scripted{answer: down}, Trace: &fetch.Trace{
		RequestStart: func(context.Context, fetch.RequestStart) context.Context { panic("broken") },
	}})
	func() {
		defer func() { recover() }()
		c.Fetch(t.Context(), request(t, upstream.List, "example.com/hello", ""))
	}()
	if n := c.Stats(); n.InFlight != 0 || n.Total() != 0 {
		t.Errorf("%d in flight, %d ended; want none", n.InFlight, n.Total())
	}
}
