package survey

import (
	"slices"

	"github.com/breakwater-go/breakwater/upstream"
)

// files returns what every source is asked for in a round: what is small first, so
// that most is known early.
func (s *surveyor) files(round int) []upstream.Request {
	kinds := []upstream.Kind{upstream.Mod, upstream.Info}
	if round == 0 {
		kinds = append(kinds, upstream.List, upstream.Latest, upstream.Zip)
	}
	var all []upstream.Request
	for _, k := range kinds {
		for _, m := range s.opts.Sample {
			version := m.Version
			if k == upstream.List || k == upstream.Latest {
				version = ""
			}
			req, err := upstream.NewRequest(k, m.Path, version)
			if err == nil && !slices.Contains(all, req) { // a module may be there in two versions
				all = append(all, req)
			}
		}
	}
	return all
}

// inTurn returns the sources forwards and backwards by turns.
func (s *surveyor) inTurn(i int) []*subject {
	order := slices.Clone(s.subjects)
	if i%2 == 1 {
		slices.Reverse(order)
	}
	return order
}

// total is how many calls there are to make at most.
func (s *surveyor) total() int {
	later := s.opts.Rounds - 1
	return len(s.subjects) * (len(s.files(0)) + later*(len(s.files(1))+1))
}
