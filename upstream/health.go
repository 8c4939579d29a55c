package upstream

import "time"

// Health is what a source's circuit breaker knows about it.
type Health struct {
	State HealthState // whether it is asked at present

	// Back is when the source last came back after it had been Out; zero if it
	// never was.
	Back time.Time
}

// HealthState is how a source fares in one lane.
type HealthState uint8

const (
	Working HealthState = iota // it is asked, like any other
	OnTrial                    // it was out, and the next request will show whether it is back
	Out                        // it is not asked at present
)

// String returns "working", "on trial" or "out".
func (s HealthState) String() string {
	return [...]string{"working", "on trial", "out"}[min(s, Out)]
}

// HealthReporter is implemented by middleware that knows how the source behind
// it fares.
type HealthReporter interface {
	Upstream
	Health(Lane) Health // in one lane, at this moment; it waits for nothing
}

// HealthOf returns the health of a source, looking behind middleware. A source
// of which nothing is known counts as working, and so does a [Group].
func HealthOf(u Upstream, l Lane) Health {
	if r, ok := As[HealthReporter](u); ok {
		return r.Health(l)
	}
	return Health{}
}
