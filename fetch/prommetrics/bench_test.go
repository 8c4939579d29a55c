package prommetrics_test

import (
	"testing"
	"time"

	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/fetch/prommetrics"
	"github.com/breakwater-go/breakwater/upstream"
)

// BenchmarkWarmHit measures a hit in memory without and with metrics: the difference is
// what they cost.
func BenchmarkWarmHit(b *testing.B) {
	for _, observed := range []bool{false, true} {
		b.Run(map[bool]string{false: "bare", true: "observed"}[observed], func(b *testing.B) {
			c := newClient(b, options(named("a", hasMod)))
			if observed {
				defer prommetrics.New(c, nil).Close()
			}
			req := request(b, upstream.Mod, "example.com/m", "v1.0.0")
			ask(b, c, req)
			b.ReportAllocs()
			for b.Loop() {
				resp, err := c.Fetch(b.Context(), req)
				if err != nil {
					b.Fatal(err)
				}
				resp.Body.Close()
			}
		})
	}
}

// BenchmarkAccess measures what a request to a handler costs beside that.
func BenchmarkAccess(b *testing.B) {
	m := prommetrics.New(newClient(b, options(named("a", hasMod))), nil)
	defer m.Close()
	a := fetch.Access{Method: "GET", Status: 200, Took: 20 * time.Microsecond, Sent: 100}
	b.ReportAllocs()
	for b.Loop() {
		m.Access(b.Context(), a)
	}
}

// A hit and its access cost no allocation.
func TestAHitAllocatesNothing(t *testing.T) {
	c := newClient(t, options(named("a", hasMod)))
	req := request(t, upstream.Mod, "example.com/m", "v1.0.0")
	ask(t, c, req)
	flush(t, c)
	hit := func() {
		resp, err := c.Fetch(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
	bare := testing.AllocsPerRun(1000, hit)
	m := prommetrics.New(c, nil)
	defer m.Close()
	a := fetch.Access{Method: "GET", Status: 200}
	if got := testing.AllocsPerRun(1000, func() { hit(); m.Access(t.Context(), a) }); got > bare {
		t.Errorf("%v allocations, %v without metrics", got, bare)
	}
}

// BenchmarkScrape measures what a scrape costs the Client, without writing it out.
func BenchmarkScrape(b *testing.B) {
	s := observe(b, options(upstream.Mirrors(named("a", hasMod), named("b", hasMod), named("c", hasMod))))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.registry.Gather(); err != nil {
			b.Fatal(err)
		}
	}
}
