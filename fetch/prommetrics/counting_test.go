package prommetrics_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
)

const goMod = "module example.com/m\n"

func hasMod(context.Context, upstream.Request) (*upstream.Response, error) { return answer(goMod) }

// What a request changes is counted once, where it belongs, and nothing else moves.
func TestWhatARequestChanges(t *testing.T) {
	mod := func(t *testing.T) upstream.Request { return request(t, upstream.Mod, "example.com/m", "v1.0.0") }
	fetched := func(t *testing.T, s *station) { ask(t, s, mod(t)) }
	down := func(_ context.Context, req upstream.Request) (*upstream.Response, error) { return nil, outage(req) }
	absent := func(_ context.Context, req upstream.Request) (*upstream.Response, error) {
		return nil, &upstream.Error{Class: upstream.NotFound, Request: req, Status: 404}
	}
	slowly := func(ctx context.Context, req upstream.Request) (*upstream.Response, error) {
		time.Sleep(time.Second)
		return answer(goMod)
	}
	hangs := func(ctx context.Context, req upstream.Request) (*upstream.Response, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	for _, test := range []struct {
		name    string
		source  upstream.Upstream
		tries   int
		prepare func(*testing.T, *station)
		act     func(*testing.T, *station)
		want    map[string]float64
	}{{
		name: "a miss", source: named("a", hasMod),
		act: fetched,
		want: map[string]float64{
			`requests_total{kind="mod",outcome="miss"}`:                       1,
			`request_duration_seconds_count{outcome="miss"}`:                  1,
			`attempts_total{lane="small-files",result="answered",source="a"}`: 1,
			`attempt_duration_seconds_count{lane="small-files",source="a"}`:   1,
			`attempt_bytes_total{source="a"}`:                                 float64(len(goMod)),
			`commits_total{result="stored"}`:                                  1,
			`committed_bytes_total`:                                           float64(len(goMod)),
			`cache_entries{layer="memory"}`:                                   1,
		},
	}, {
		name: "a hit", source: named("a", hasMod),
		prepare: fetched, act: fetched,
		want: map[string]float64{
			`requests_total{kind="mod",outcome="hit-memory"}`:      1,
			`request_duration_seconds_count{outcome="hit-memory"}`: 1,
		},
	}, {
		name: "one that asks for what is on the way", source: named("a", slowly),
		act: func(t *testing.T, s *station) {
			req := mod(t)
			go ask(t, s, req)
			synctest.Wait()
			if got := s.scrape(t); got["requests_in_flight"] != 1 || got["flights"] != 1 || got[`source_in_flight{lane="small-files",source="a"}`] != 1 {
				t.Errorf("under way: %v requests, %v flights, %v calls", got["requests_in_flight"], got["flights"], got[`source_in_flight{lane="small-files",source="a"}`])
			}
			ask(t, s, req)
			synctest.Wait()
		},
		want: map[string]float64{
			`requests_total{kind="mod",outcome="miss"}`:                       1,
			`requests_total{kind="mod",outcome="coalesced"}`:                  1,
			`request_duration_seconds_count{outcome="miss"}`:                  1,
			`request_duration_seconds_count{outcome="coalesced"}`:             1,
			`attempts_total{lane="small-files",result="answered",source="a"}`: 1,
			`attempt_duration_seconds_count{lane="small-files",source="a"}`:   1,
			`attempt_first_byte_seconds_count{lane="small-files",source="a"}`: 1,
			`attempt_bytes_total{source="a"}`:                                 float64(len(goMod)),
			`commits_total{result="stored"}`:                                  1,
			`committed_bytes_total`:                                           float64(len(goMod)),
			`cache_entries{layer="memory"}`:                                   1,
		},
	}, {
		name: "what does not exist", source: named("a", absent),
		act: fetched,
		want: map[string]float64{
			`requests_total{kind="mod",outcome="not-found"}`:                   1,
			`request_duration_seconds_count{outcome="not-found"}`:              1,
			`attempts_total{lane="small-files",result="not-found",source="a"}`: 1,
			`attempt_duration_seconds_count{lane="small-files",source="a"}`:    1,
			`retries_given_up_total{reason="pointless"}`:                       1,
		},
	}, {
		name: "what is known not to exist", source: named("a", absent),
		prepare: fetched, act: fetched,
		want: map[string]float64{
			`requests_total{kind="mod",outcome="negative"}`:      1,
			`request_duration_seconds_count{outcome="negative"}`: 1,
		},
	}, {
		name: "a failure, tried again", source: named("a", down), tries: 3,
		act: fetched,
		want: map[string]float64{
			`requests_total{kind="mod",outcome="failed"}`:                        1,
			`request_duration_seconds_count{outcome="failed"}`:                   1,
			`attempts_total{lane="small-files",result="unavailable",source="a"}`: 3,
			`attempt_duration_seconds_count{lane="small-files",source="a"}`:      3,
			`retries_total`: 2,
			`retries_given_up_total{reason="out-of-tries"}`: 1,
		},
	}, {
		name: "the failure that opens a circuit", source: named("a", down),
		prepare: func(t *testing.T, s *station) {
			for n := range 4 {
				ask(t, s, request(t, upstream.Mod, "example.com/m", fmt.Sprintf("v1.0.%d", n)))
			}
		},
		act: func(t *testing.T, s *station) { ask(t, s, request(t, upstream.Mod, "example.com/m", "v1.1.0")) },
		want: map[string]float64{
			`requests_total{kind="mod",outcome="failed"}`:                        1,
			`request_duration_seconds_count{outcome="failed"}`:                   1,
			`attempts_total{lane="small-files",result="unavailable",source="a"}`: 1,
			`attempt_duration_seconds_count{lane="small-files",source="a"}`:      1,
			`retries_given_up_total{reason="out-of-tries"}`:                      1,
			`circuit_changes_total{lane="small-files",source="a",to="out"}`:      1,
			`source_state{lane="small-files",source="a",state="working"}`:        -1,
			`source_state{lane="small-files",source="a",state="out"}`:            1,
		},
	}, {
		name: "a circuit that refuses", source: named("a", down),
		prepare: func(t *testing.T, s *station) {
			for n := range 6 { // the last is a last resort
				ask(t, s, request(t, upstream.Mod, "example.com/m", fmt.Sprintf("v1.0.%d", n)))
			}
		},
		act: func(t *testing.T, s *station) { ask(t, s, request(t, upstream.Mod, "example.com/m", "v1.1.0")) },
		want: map[string]float64{
			`requests_total{kind="mod",outcome="failed"}`:                    1,
			`request_duration_seconds_count{outcome="failed"}`:               1,
			`attempts_total{lane="small-files",result="refused",source="a"}`: 2, // at once, and as a last resort
			`retries_given_up_total{reason="out-of-tries"}`:                  1,
		},
	}, {
		name: "a second mirror that is faster", source: upstream.Mirrors(named("a", hangs), named("b", hasMod)),
		act: func(t *testing.T, s *station) { fetched(t, s); synctest.Wait() },
		want: map[string]float64{
			`requests_total{kind="mod",outcome="miss"}`:                       1,
			`request_duration_seconds_count{outcome="miss"}`:                  1,
			`attempts_total{lane="small-files",result="outpaced",source="a"}`: 1,
			`attempts_total{lane="small-files",result="answered",source="b"}`: 1,
			`attempt_duration_seconds_count{lane="small-files",source="a"}`:   1,
			`attempt_duration_seconds_count{lane="small-files",source="b"}`:   1,
			`attempt_bytes_total{source="b"}`:                                 float64(len(goMod)),
			`hedges_total{won="true"}`:                                        1,
			`commits_total{result="stored"}`:                                  1,
			`committed_bytes_total`:                                           float64(len(goMod)),
			`cache_entries{layer="memory"}`:                                   1,
		},
	}, {
		name: "a caller that goes away", source: named("a", hangs),
		act: func(t *testing.T, s *station) {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if _, err := s.Fetch(ctx, mod(t)); !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		},
		want: map[string]float64{
			`requests_total{kind="mod",outcome="canceled"}`:      1,
			`request_duration_seconds_count{outcome="canceled"}`: 1,
		},
	}, {
		name: "the zero Request", source: named("a", hasMod),
		act: func(t *testing.T, s *station) { ask(t, s, upstream.Request{}) },
		want: map[string]float64{
			`requests_total{kind="other",outcome="failed"}`:    1,
			`request_duration_seconds_count{outcome="failed"}`: 1,
		},
	}} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				opts := options(test.source)
				opts.Retry.Tries = max(1, test.tries)
				s := observe(t, opts)
				if test.prepare != nil {
					test.prepare(t, s)
				}
				got := s.changes(t, func() { test.act(t, s) })
				if diff := cmp.Diff(test.want, got); diff != "" {
					t.Errorf("changes (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// An old answer is a degradation, and counted as an outcome of its own.
func TestStaleAnswerIsADegradation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		down := false
		opts := options(named("a", func(_ context.Context, req upstream.Request) (*upstream.Response, error) {
			if down {
				return nil, outage(req)
			}
			return answer("v1.0.0\n")
		}))
		opts.RevalidateWithin = -1
		s := observe(t, opts)
		list := request(t, upstream.List, "example.com/m", "")
		ask(t, s, list)
		down = true
		time.Sleep(time.Hour)
		got := s.changes(t, func() { ask(t, s, list) })
		want := map[string]float64{
			`requests_total{kind="list",outcome="stale"}`:                        1,
			`request_duration_seconds_count{outcome="stale"}`:                    1,
			`attempts_total{lane="small-files",result="unavailable",source="a"}`: 1,
			`attempt_duration_seconds_count{lane="small-files",source="a"}`:      1,
			`retries_given_up_total{reason="out-of-tries"}`:                      1,
			`degradations_total{what="stale"}`:                                   1,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("changes (-want +got):\n%s", diff)
		}
	})
}

// A file of the cache that has rotted is found, counted, and fetched again.
func TestDamagedFileIsCounted(t *testing.T) {
	dir := t.TempDir()
	opts := options(named("a", hasMod))
	opts.Store, opts.CacheDir, opts.MemoryBytes = nil, dir, -1
	req := request(t, upstream.Mod, "example.com/m", "v1.0.0")
	first := newClient(t, opts)
	ask(t, first, req)
	flush(t, first)
	rot(t, filepath.Join(dir, filepath.FromSlash(req.Key())))

	s := observe(t, opts) // in which it is read for the first time
	got := s.changes(t, func() { ask(t, s, req) })
	for series, want := range map[string]float64{
		`cache_corruptions_total`: 1, `requests_total{kind="mod",outcome="miss"}`: 1, `commits_total{result="stored"}`: 1,
	} {
		if got[series] != want {
			t.Errorf("%s rose by %v, want %v", series, got[series], want)
		}
	}
}

// rot changes a byte of a file and leaves its time, as a disk does.
func rot(t *testing.T, name string) {
	t.Helper()
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	content[0] ^= 1
	if err := errors.Join(os.WriteFile(name, content, 0o666), os.Chtimes(name, info.ModTime(), info.ModTime())); err != nil {
		t.Fatal(err)
	}
}

// What is removed to make room is counted, by entries and by bytes.
func TestEvictionIsCounted(t *testing.T) {
	opts := options(named("a", hasMod))
	opts.Store, opts.CacheDir, opts.MemoryBytes = nil, t.TempDir(), -1
	opts.CacheBytes = 3 * int64(len(goMod))
	s := observe(t, opts)
	evictions := make(chan cache.Eviction, 100)
	defer s.Observe(&fetch.Trace{Eviction: func(e cache.Eviction) { evictions <- e }})() // told after the metrics
	var told cache.Eviction
	got := s.changes(t, func() {
		for n := 0; told.Entries == 0; n++ {
			ask(t, s, request(t, upstream.Mod, "example.com/m", fmt.Sprintf("v1.0.%d", n)))
			if n < 4 {
				continue
			}
			e := <-evictions
			told.Entries, told.Bytes = told.Entries+e.Entries, told.Bytes+e.Bytes
		}
	})
	if got[`cache_evicted_bytes_total`] != float64(told.Bytes) || got[`cache_evicted_entries_total{layer="disk"}`] < float64(told.Entries) {
		t.Errorf("the Client told of %+v, the metrics rose by %v", told, got)
	}
}

// A file that is not what it must be is counted as such and as its source's failure.
func TestMismatchIsCounted(t *testing.T) {
	o := newOrigin(t)
	forged := named("liar", func(ctx context.Context, req upstream.Request) (*upstream.Response, error) {
		if req.Kind() == upstream.Mod {
			return answer(goMod + "// forged\n")
		}
		return serveFrom(o, req)
	})
	opts := options(forged)
	opts.Go.GOSUMDB = o.VerifierKey
	s := observe(t, opts)
	got := s.changes(t, func() { ask(t, s, request(t, upstream.Mod, "example.com/hello", "v1.0.0")) })
	for series, want := range map[string]float64{
		`verifications_total{result="mismatched"}`:                                 1,
		`requests_total{kind="mod",outcome="failed"}`:                              1,
		`attempts_total{lane="small-files",result="untrusted",source="liar"}`:      1,
		`attempts_total{lane="checksum-database",result="answered",source="liar"}`: got[`attempt_duration_seconds_count{lane="checksum-database",source="liar"}`],
	} {
		if got[series] != want {
			t.Errorf("%s rose by %v, want %v", series, got[series], want)
		}
	}
}

// A file that is handed out while the checksum database is out is counted as such, for
// as long as it is so.
func TestUnverifiedIsCounted(t *testing.T) {
	o := newOrigin(t)
	opts := options(named("a", func(_ context.Context, req upstream.Request) (*upstream.Response, error) {
		if req.Kind().SumDB() {
			return nil, outage(req)
		}
		return serveFrom(o, req)
	}))
	opts.Go.GOSUMDB, opts.WhenReachable = o.VerifierKey, true
	s := observe(t, opts)
	got := s.changes(t, func() { ask(t, s, request(t, upstream.Mod, "example.com/hello", "v1.0.0")) })
	for series, want := range map[string]float64{
		`unverified_files`: 1, `degradations_total{what="unverified"}`: 1, `verifications_total{result="unverifiable"}`: 1,
		`verifications_total{result="verified"}`: 0,
	} {
		if got[series] != want {
			t.Errorf("%s rose by %v, want %v", series, got[series], want)
		}
	}
}

// Close ends the counting, and what was counted stays.
func TestCloseStopsObserving(t *testing.T) {
	s := observe(t, options(named("a", hasMod)))
	req := request(t, upstream.Mod, "example.com/m", "v1.0.0")
	ask(t, s, req)
	s.metrics.Close()
	s.metrics.Close()
	got := s.changes(t, func() { ask(t, s, req) })
	if diff := cmp.Diff(map[string]float64{}, got); diff != "" {
		t.Errorf("changes after Close:\n%s", diff)
	}
	if got := s.scrape(t)[`requests_total{kind="mod",outcome="miss"}`]; got != 1 {
		t.Errorf("%v misses are left of 1", got)
	}
}
