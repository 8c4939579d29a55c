package prommetrics

import (
	"github.com/breakwater-go/breakwater/fetch"
	"github.com/prometheus/client_golang/prometheus"
)

// Options configures [New]. A nil *Options and zero fields mean the defaults.
type Options struct {
	// ConstLabels are labels that every series has, such as client="a" where
	// several Clients are in one registry. None may be one of the table's own:
	// registering the Metrics fails then. Default: none.
	ConstLabels prometheus.Labels

	// Buckets are the upper bounds of the histograms' buckets in seconds, in
	// increasing order, without +Inf; New panics if they are not. Each costs one
	// series for every outcome, six for every source, and one for every status code.
	// Default: [DefaultBuckets].
	Buckets []float64
}

// DefaultBuckets returns the upper bounds that histograms have by default, in seconds:
// from 100 us, which a hit in memory stays below, to 60 s, for which a large zip
// may take over a slow line. There are three to each power of ten, so that a
// quantile that is made of them is never out by more than a factor of 2.5.
func DefaultBuckets() []float64 {
	return []float64{
		.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60,
	}
}

// Metrics are the metrics of one Client: a [prometheus.Collector] to register. Its
// methods may be called by many goroutines at once.
type Metrics struct {
	client *fetch.Client
	stop   func()

	requests  requests
	attempts  attempts
	happening happening
	exchanges exchanges
	standing  standing
	disks     fileSystems

	counted []prometheus.Collector // what is counted here, by the hooks
	asked   []*prometheus.Desc     // what the Client is asked at a scrape
}

// New returns the metrics of c and begins to observe it. What the hooks count is
// counted from now on; the Client's own counts are since it was made. It opens the
// directories of c's store to read, for the room that is left there; of one that
// cannot be opened that is not told. The caller calls Close when the metrics are no
// longer wanted; c may be closed before or after.
func New(c *fetch.Client, opts *Options) *Metrics {
	d := newDefiner(opts)
	m := &Metrics{
		client:   c,
		requests: d.requests(), attempts: d.attempts(), happening: d.happening(), exchanges: d.exchanges(),
		standing: d.standing(),
	}
	m.counted, m.asked = d.counted, d.asked
	m.stop = c.Observe(m.trace())
	s := c.Stats() // after Observe, so that no source slips through
	m.attempts.expect(s.Sources)
	m.disks = openFileSystems(s.Cache)
	return m
}

func (m *Metrics) trace() *fetch.Trace {
	return &fetch.Trace{
		RequestEnd:    m.requests.end,
		AttemptStart:  m.attempts.start,
		AttemptEnd:    m.attempts.end,
		CircuitChange: m.attempts.circuitChange,
		Retry:         m.happening.retry,
		Hedge:         m.happening.hedge,
		Commit:        m.happening.commit,
		Eviction:      m.happening.eviction,
	}
}

// Close ends the observing of the Client, and waits for what reads a directory. What
// was counted stays and can still be collected, without the room on disks. Closing
// again does nothing.
func (m *Metrics) Close() {
	m.stop()
	m.disks.close()
}

// Describe is a method of [prometheus.Collector]. What it describes is always the
// same.
func (m *Metrics) Describe(ch chan<- *prometheus.Desc) {
	for _, c := range m.counted {
		c.Describe(ch)
	}
	for _, d := range m.asked {
		ch <- d
	}
}

// Collect is a method of [prometheus.Collector]. It asks for the Client's Stats once,
// and each directory of the store for the room that is left: one that hangs costs half
// a second once in a minute, and what it would have said is missing.
func (m *Metrics) Collect(ch chan<- prometheus.Metric) {
	s := m.client.Stats()
	m.attempts.expect(s.Sources) // also those that Reconfigure has brought
	for _, c := range m.counted {
		c.Collect(ch)
	}
	m.standing.send(ch, s, m.disks.look())
}
