package prommetrics_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/breaker"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
)

// seriesOf returns the series that name a source.
func seriesOf(all map[string]float64, source string) map[string]float64 {
	of := map[string]float64{}
	for series, value := range all {
		if strings.Contains(series, `source="`+source+`"`) {
			of[series] = value
		}
	}
	return of
}

func isGauge(series string) bool { return strings.HasPrefix(series, "source_") }

// A configured source has all its series before anybody asks it, but those that tell
// nothing: an alert sees the first failure as a rise from 0.
func TestSeriesExistFromTheStart(t *testing.T) {
	s := observe(t, options(named("a", hasMod)))
	all := s.scrape(t)
	for _, series := range []string{
		`requests_total{kind="zip",outcome="failed"}`, `requests_total{kind="sumdb-tile",outcome="hit-disk"}`,
		`attempts_total{lane="zips",result="not-found",source="a"}`, `attempts_total{lane="checksum-database",result="refused",source="a"}`,
		`attempt_duration_seconds_count{lane="zips",source="a"}`, `attempt_bytes_total{source="a"}`,
		`circuit_changes_total{lane="small-files",source="a",to="on-trial"}`,
		`source_state{lane="small-files",source="a",state="on-trial"}`, `source_queue{lane="zips",source="a"}`,
		`retries_total`, `retries_given_up_total{reason="impatient"}`, `hedges_total{won="false"}`, `commits_total{result="failed"}`,
		`degradations_total{what="stale"}`, `degradations_total{what="unverified"}`, `degradations_total{what="cache-unwritable"}`,
		`verifications_total{result="mismatched"}`, `verifications_total{result="unverifiable"}`, `unverified_files`,
		`cache_corruptions_total`, `sumdb_security_events_total`, `http_requests_total{code="502",method="GET"}`,
	} {
		if value, ok := all[series]; !ok || value != 0 {
			t.Errorf("%s: %v %v, want 0", series, value, ok)
		}
	}
	if all[`source_state{lane="zips",source="a",state="working"}`] != 1 || all[`source_limit{lane="zips",source="a"}`] <= 0 {
		t.Error("a source that nobody has asked does not work, or has no limit")
	}
}

// The gauges of a source that Reconfigure removes go away, its counters stay, and the
// new source is there at the next scrape.
func TestReconfigure(t *testing.T) {
	s := observe(t, options(named("old", hasMod)))
	ask(t, s, request(t, upstream.Mod, "example.com/m", "v1.0.0"))
	next := options(named("new", hasMod))
	if err := s.Reconfigure(&next); err != nil {
		t.Fatal(err)
	}
	all := s.scrape(t)
	for series := range seriesOf(all, "old") {
		if isGauge(series) {
			t.Errorf("%s is still there", series)
		}
	}
	if got := all[`attempts_total{lane="small-files",result="answered",source="old"}`]; got != 1 {
		t.Errorf("the old source's attempts are %v, want 1", got)
	}
	if got, ok := all[`source_state{lane="zips",source="new",state="working"}`]; !ok || got != 1 {
		t.Errorf("the new source's state: %v %v", got, ok)
	}
	if _, ok := all[`attempts_total{lane="zips",result="unavailable",source="new"}`]; !ok {
		t.Error("the new source's attempts are missing")
	}
}

// hosts is a source that is many servers, which are down.
type hosts struct{ name string }

func (h hosts) Name() string { return h.name }

func (h hosts) Part(req upstream.Request) string {
	host, _, _ := strings.Cut(req.Module(), "/")
	return host
}

func (h hosts) Fetch(_ context.Context, req upstream.Request) (*upstream.Response, error) {
	return nil, &upstream.Error{Request: req, Source: h.name, Status: 503}
}

// The servers of a source that is many are named by whoever asks for a module: they
// never become labels, and their circuits count as those of the source.
func TestStrangersChooseNoLabels(t *testing.T) {
	for _, name := range []string{"direct", "direct (eu)", "a (b"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				opts := options(upstream.Mirrors(hosts{name}, named("direct", outageOf)))
				opts.Circuit = &breaker.CircuitOptions{ConsecutiveFailures: 1}
				s := observe(t, opts)
				before := s.scrape(t)
				for _, host := range []string{"stranger.example", "other.example", "x.example"} {
					ask(t, s, request(t, upstream.Mod, host+"/m", "v1.0.0"))
				}
				after := s.scrape(t)
				for series := range after {
					if _, ok := before[series]; !ok {
						t.Errorf("%s is new", series)
					}
				}
				got := after[`circuit_changes_total{lane="small-files",source="`+name+`",to="out"}`]
				want := 3.
				if name == "direct" {
					want = 4 // with that of the other source of that name
				}
				if got != want {
					t.Errorf("%v circuits have opened, want %v", got, want)
				}
			})
		})
	}
}

// The first attempts at a source that Reconfigure has brought, before any scrape knows
// of it, open circuits that are counted.
func TestCircuitOfANewSource(t *testing.T) {
	s := observe(t, options(named("old", hasMod)))
	next := options(hosts{"direct"})
	next.Circuit = &breaker.CircuitOptions{ConsecutiveFailures: 1}
	if err := s.Reconfigure(&next); err != nil {
		t.Fatal(err)
	}
	ask(t, s, request(t, upstream.Mod, "stranger.example/m", "v1.0.0"))
	if got := s.scrape(t)[`circuit_changes_total{lane="small-files",source="direct",to="out"}`]; got != 1 {
		t.Errorf("%v circuits have opened, want 1", got)
	}
}

// A circuit that opens by an attempt that was under way before the metrics were made
// is counted, though the attempt is not.
func TestAttemptFromBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opts := options(named("a", func(_ context.Context, req upstream.Request) (*upstream.Response, error) {
			time.Sleep(time.Second)
			return nil, outage(req)
		}))
		opts.Circuit = &breaker.CircuitOptions{ConsecutiveFailures: 1}
		c := newClient(t, opts)
		go ask(t, c, request(t, upstream.Mod, "example.com/m", "v1.0.0"))
		synctest.Wait()
		s := watch(t, c)
		time.Sleep(2 * time.Second)
		all := s.scrape(t)
		if got := all[`circuit_changes_total{lane="small-files",source="a",to="out"}`]; got != 1 {
			t.Errorf("%v circuits have opened, want 1", got)
		}
		if got := all[`attempts_total{lane="small-files",result="unavailable",source="a"}`]; got != 0 {
			t.Errorf("%v attempts, want 0", got)
		}
	})
}

func outageOf(_ context.Context, req upstream.Request) (*upstream.Response, error) {
	return nil, outage(req)
}

// Sources that share a name share its series: figures are added up, and the worst
// state is shown.
func TestSourcesOfOneName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opts := options(upstream.Mirrors(named("twin", outageOf), named("twin", hasMod)))
		opts.Circuit = &breaker.CircuitOptions{ConsecutiveFailures: 1}
		s := observe(t, opts)
		limit := s.scrape(t)[`source_limit{lane="zips",source="twin"}`]
		ask(t, s, request(t, upstream.Mod, "example.com/m", "v1.0.0"))
		all := s.scrape(t)
		got := map[string]float64{}
		for _, state := range []string{"working", "on-trial", "out"} {
			got[state] = all[`source_state{lane="small-files",source="twin",state="`+state+`"}`]
		}
		if diff := cmp.Diff(map[string]float64{"working": 0, "on-trial": 0, "out": 1}, got); diff != "" {
			t.Errorf("state (-want +got):\n%s", diff)
		}
		alone := observe(t, options(named("one", hasMod))).scrape(t)[`source_limit{lane="zips",source="one"}`]
		if limit != 2*alone {
			t.Errorf("the limit of two is %v, of one %v", limit, alone)
		}
	})
}

// A source without a limit has no series of one.
func TestSourceWithoutLimit(t *testing.T) {
	opts := options(named("a", hasMod))
	opts.Limit = &breaker.LimitOptions{SmallFiles: -1, Zips: -1}
	all := observe(t, opts).scrape(t)
	if got, ok := all[`source_limit{lane="zips",source="a"}`]; ok {
		t.Errorf("a limit of %v where there is none", got)
	}
	if got, ok := all[`source_in_flight{lane="zips",source="a"}`]; !ok || got != 0 {
		t.Errorf("in flight: %v %v, want 0", got, ok)
	}
}

// A name that is no text is made one: it must not end the program.
func TestNameThatIsNoText(t *testing.T) {
	s := observe(t, options(named("mirror \xff\xfe", hasMod)))
	ask(t, s, request(t, upstream.Mod, "example.com/m", "v1.0.0"))
	if got := s.scrape(t)["attempts_total{lane=\"small-files\",result=\"answered\",source=\"mirror \uFFFD\"}"]; got != 1 {
		t.Errorf("%v attempts, want 1", got)
	}
}
