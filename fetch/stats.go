package fetch

import (
	"sync/atomic"
	"time"

	"github.com/breakwater-go/breakwater/breaker"
	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/verify"
)

// counts are what a Client counts, since it was made.
type counts struct {
	since    time.Time
	begun    atomic.Int64
	flights  atomic.Int64           // under way
	outcomes [Outcomes]atomic.Int64 // of requests about modules
	database [Outcomes]atomic.Int64 // of what checksum databases are asked
	degraded [Degradations]atomic.Int64

	retries, hedges, hedgesWon         atomic.Int64
	verified, mismatched, unverifiable atomic.Int64
	stored                             atomic.Int64
	prefetch                           prefetchCounts
}

// ended counts a request that has ended.
func (n *counts) ended(req upstream.Request, o Outcome) {
	if req.Kind().SumDB() {
		n.database[o].Add(1)
		return
	}
	n.outcomes[o].Add(1)
}

// Stats are figures of a [Client] at one moment. Counts are since Since, also
// across [Client.Reconfigure]; what is said of sources is since they were configured.
type Stats struct {
	Since    time.Time       // when the Client was made
	Requests [Outcomes]int64 // that have ended, by [Outcome]
	Modules  [Outcomes]int64 // those of them that were about modules, and not for a checksum database
	InFlight int64           // calls of Fetch under way
	Flights  int             // downloads and look-ups under way, those of the background included

	Retries   int64 // tries after the first that were waited for
	Hedges    int64 // requests that were made beside another
	HedgesWon int64 // and were the faster

	Verified     int64               // files that passed a check
	Mismatched   int64               // files that were not what they had to be
	Unverifiable int64               // files that could not be checked
	Unverified   int                 // files that were handed out so and wait to be checked
	Stored       int64               // downloads that were stored
	Degraded     [Degradations]int64 // by [Degraded]

	Prefetch PrefetchStats  // none of which are in Requests
	Cache    []cache.Usage  // by layer, the fastest first
	Sources  []SourceStats  // in the order of the configuration, the checksum database's own server last
	Database *DatabaseStats // nil where none is verified
}

// SourceStats are figures of one source.
type SourceStats struct {
	breaker.Standing

	// Load is how many calls there are at once, by lane; zero where a source is many
	// servers, each with limits of its own.
	Load [upstream.Lanes]breaker.Load

	// LastFailure is the latest call that failed, other than by "not found"; nil
	// before the first. It stays when later calls succeed.
	LastFailure *upstream.Attempt

	// Parts are those servers, of a source that is many, that are out or on trial.
	Parts []breaker.Standing
}

// DatabaseStats is what is known of the checksum database that is verified.
type DatabaseStats struct {
	Name string // the database's name
	verify.SumDBStanding
}

// Total returns the number of requests that have ended.
func (s *Stats) Total() int64 {
	var n int64
	for _, of := range s.Requests {
		n += of
	}
	return n
}

// Success returns the part of the requests that were answered, if only by "not
// found" or "denied", from 0 to 1; those whose callers went away do not count, nor those
// for which no source might be asked (Offline), which tell nothing of the sources. It
// is 1 before the first.
func (s *Stats) Success() float64 {
	all := s.Total() - s.Requests[Canceled] - s.Requests[Offline]
	return part(all-s.Requests[Failed], all)
}

// HitRatio returns the part of the answers about modules that were at hand, from 0 to 1;
// it is 1 before the first. So much of what builds ask for would be answered if every
// source were away. What checksum databases are asked is left out, as on the page of a
// [StatusHandler]: verification itself has just brought nearly all of it, so that it
// would pass for a hit beside each module that was not at hand. Neither do requests count
// that were denied, failed, were canceled, or were made where no source might be asked.
func (s *Stats) HitRatio() float64 {
	var hits, all int64
	for o, n := range s.Modules {
		switch Outcome(o) {
		case Denied, Offline, Canceled, Failed:
			continue
		}
		all += n
		if Outcome(o).IsHit() {
			hits += n
		}
	}
	return part(hits, all)
}

func part(n, of int64) float64 {
	if of == 0 {
		return 1
	}
	return float64(n) / float64(of)
}

// Stats returns figures of this moment. It takes some microseconds, waits for
// nothing, and may be called at any rate. Figures that belong together may differ by
// what happens meanwhile.
func (c *Client) Stats() *Stats { return c.statsOf(c.core.Load()) }

func (c *Client) statsOf(now *core) *Stats {
	n := &c.watch.counts
	s := &Stats{
		Since: n.since, Flights: int(n.flights.Load()),
		Retries: n.retries.Load(), Hedges: n.hedges.Load(), HedgesWon: n.hedgesWon.Load(),
		Verified: n.verified.Load(), Mismatched: n.mismatched.Load(), Unverifiable: n.unverifiable.Load(),
		Unverified: c.later.count(), Stored: n.stored.Load(),
		Prefetch: PrefetchStats{n.prefetch.fetched.Load(), n.prefetch.failed.Load(), n.prefetch.dropped.Load(), now.prefetch.waiting()},
		Cache:    cache.UsageOf(c.store), Sources: now.sourceStats(), Database: now.databaseStats(),
	}
	for i := range n.outcomes {
		s.Modules[i] = n.outcomes[i].Load()
		s.Requests[i] = s.Modules[i] + n.database[i].Load()
	}
	for i := range n.degraded {
		s.Degraded[i] = n.degraded[i].Load()
	}
	s.InFlight = max(0, n.begun.Load()-s.Total())
	return s
}

func (c *core) sourceStats() []SourceStats {
	var all []SourceStats
	known := breaker.Standings(sourcesOf(c.source), c.prober)
	for i, source := range c.allSources() {
		one := SourceStats{}
		if i < len(known) {
			one.Standing = known[i]
		} else {
			one.Standing = breaker.Standings([]upstream.Upstream{source}, nil)[0]
		}
		for l := range upstream.Lane(upstream.Lanes) {
			one.Load[l], _ = breaker.LoadOf(source, l)
		}
		if w, ok := upstream.As[*watched](source); ok {
			one.LastFailure = w.failure.Load()
		}
		if parts, ok := upstream.As[*partitioned](source); ok {
			one.Parts = parts.ailing()
		}
		all = append(all, one)
	}
	return all
}

func (c *core) databaseStats() *DatabaseStats {
	if c.sumDB == nil {
		return nil
	}
	return &DatabaseStats{c.sumDB.Name(), c.sumDB.Standing()}
}
