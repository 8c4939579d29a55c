package breaker

import (
	"cmp"
	"slices"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
)

// A Standing is what is known of one source.
type Standing struct {
	Source  string                           // its name
	Health  [upstream.Lanes]upstream.Health  // by lane
	Figures [upstream.Lanes]upstream.Figures // by lane

	// What follows comes from a [Prober], and is zero without one.

	// Probed is when the source was probed last, and ProbeError what failed
	// then, if it was not only that the module does not exist there.
	Probed     time.Time
	ProbeError error

	// Missing is how many versions other sources list that this one does not;
	// -1 if its list is not known.
	Missing int
}

// Expected returns how long to expect a small file to take from the source, as a
// figure to compare: the median time to the first byte, longer in proportion to
// what it fails at and what it does not have. Zero means that nothing is known.
func (s Standing) Expected() time.Duration {
	f := s.Figures[upstream.SmallFiles]
	if f.Answers == 0 {
		return 0
	}
	success := float64(f.Answers) / float64(f.Answers+f.Failures)
	return time.Duration(float64(f.FirstByte.P50) / (success * f.Coverage()))
}

// Rank returns what is known of sources, the best first: those that work before
// those on trial and those that are out, by the least version missing and then
// by what to expect of them; one that nothing is known of comes behind one that
// is. The prober, which may be nil, must be of the same sources.
func Rank(sources []upstream.Upstream, prober *Prober) []Standing {
	ranking := Standings(sources, prober)
	slices.SortStableFunc(ranking, func(a, b Standing) int {
		return cmp.Or(
			cmp.Compare(a.Health[upstream.SmallFiles].State, b.Health[upstream.SmallFiles].State),
			cmp.Compare(max(0, a.Missing), max(0, b.Missing)),
			compareKnown(a.Expected(), b.Expected()),
		)
	})
	return ranking
}

// Standings returns what is known of sources, in their order. The prober, which may
// be nil, must be of the same sources.
func Standings(sources []upstream.Upstream, prober *Prober) []Standing {
	all := make([]Standing, len(sources))
	for i, source := range sources {
		all[i] = standing(source, i, prober)
	}
	return all
}

// compareKnown puts what is not known, 0, behind what is.
func compareKnown(a, b time.Duration) int {
	if (a == 0) != (b == 0) {
		return cmp.Compare(b, a)
	}
	return cmp.Compare(a, b)
}

func standing(source upstream.Upstream, i int, prober *Prober) Standing {
	s := Standing{Source: upstream.Name(source)}
	for l := range upstream.Lane(upstream.Lanes) {
		s.Health[l] = upstream.HealthOf(source, l)
		s.Figures[l], _ = upstream.FiguresOf(source, l)
	}
	if prober == nil {
		return s
	}
	s.Probed, s.ProbeError = prober.Last(i)
	if upstream.ClassOf(s.ProbeError) == upstream.NotFound {
		s.ProbeError = nil
	}
	missing, ok := prober.Missing(i)
	if !ok {
		missing = -1
	}
	s.Missing = missing
	return s
}
