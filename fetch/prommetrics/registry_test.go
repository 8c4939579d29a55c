package prommetrics_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/breakwater-go/breakwater/fetch/prommetrics"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
)

// Several Clients share a registry if a label tells them apart; else the registry
// refuses the second, and with labels of our own the first.
func TestSeveralClients(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	for _, test := range []struct {
		labels prometheus.Labels
		ok     bool
	}{
		{prometheus.Labels{"client": "a"}, true},
		{prometheus.Labels{"client": "b"}, true},
		{prometheus.Labels{"client": "b"}, false},
		{prometheus.Labels{"source": "c"}, false},
	} {
		c := newClient(t, options(named("mirror", hasMod)))
		m := prommetrics.New(c, &prommetrics.Options{ConstLabels: test.labels})
		t.Cleanup(m.Close)
		if err := registry.Register(m); (err == nil) != test.ok {
			t.Errorf("%v: %v", test.labels, err)
		}
		ask(t, c, request(t, upstream.Mod, "example.com/m", "v1.0.0"))
	}
	s := &station{registry: registry}
	all := s.scrape(t)
	for _, client := range []string{"a", "b"} {
		if got := all[`requests_total{client="`+client+`",kind="mod",outcome="miss"}`]; got != 1 {
			t.Errorf("client %s: %v misses, want 1", client, got)
		}
	}
}

// Options are copied: what becomes of the maps and slices later changes nothing.
func TestOptionsAreCopied(t *testing.T) {
	opts := &prommetrics.Options{ConstLabels: prometheus.Labels{"client": "a"}, Buckets: []float64{1, 2}}
	m := prommetrics.New(newClient(t, options(named("a", hasMod))), opts)
	t.Cleanup(m.Close)
	opts.ConstLabels["client"], opts.Buckets[0] = "b", 5
	s := &station{registry: prometheus.NewPedanticRegistry()}
	s.registry.MustRegister(m)
	all := s.scrape(t)
	var got []string
	for series := range all {
		if cut := `request_duration_seconds_bucket{client="a",outcome="miss",le=`; len(series) > len(cut) && series[:len(cut)] == cut {
			got = append(got, series[len(cut):])
		}
	}
	slices.Sort(got)
	if diff := cmp.Diff([]string{`"+Inf"}`, `"1"}`, `"2"}`}, got); diff != "" {
		t.Errorf("buckets (-want +got):\n%s", diff)
	}
}

// Scrapes meet requests, attempts, new sources and Close.
func TestScrapeUnderLoad(t *testing.T) {
	s := observe(t, options(upstream.Mirrors(named("a", hasMod), hosts{"direct"})))
	var at sync.WaitGroup
	for worker := range 4 {
		at.Go(func() {
			for n := range 50 {
				ask(t, s, request(t, upstream.Mod, fmt.Sprintf("host%d.example/m", n), fmt.Sprintf("v1.0.%d", worker%2)))
			}
		})
	}
	at.Go(func() {
		for n := range 10 {
			next := options(upstream.Mirrors(named(fmt.Sprint("source-", n), hasMod), hosts{"direct"}))
			if err := s.Reconfigure(&next); err != nil {
				t.Error(err)
			}
		}
	})
	for range 2 {
		at.Go(func() {
			for range 20 {
				if _, err := s.registry.Gather(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	at.Wait()
	var ended float64
	for series, n := range s.scrape(t) {
		if len(series) > 14 && series[:14] == "requests_total" {
			ended += n
		}
	}
	if ended != 4*50 {
		t.Errorf("%v requests have ended, want 200", ended)
	}
	s.metrics.Close()
	if _, err := s.registry.Gather(); err != nil {
		t.Error(err)
	}
}

// Nothing is left when both are closed: a goroutine that stayed would be a deadlock
// here, and a directory that is still open would tell its file system.
func TestNothingIsLeft(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		opts := options(named("a", hasMod))
		opts.Store, opts.CacheDir, opts.CacheBytes = nil, dir, 1<<20
		s := observe(t, opts)
		ask(t, s, request(t, upstream.Mod, "example.com/m", "v1.0.0"))
		size := `cache_filesystem_size_bytes{dir="` + dir + `"}`
		if all := s.scrape(t); all[size] <= 0 {
			t.Errorf("a file system of %v bytes", all[size])
		}
		s.metrics.Close()
		if got, ok := s.scrape(t)[size]; ok {
			t.Errorf("a file system of %v bytes after Close", got)
		}
	})
}
