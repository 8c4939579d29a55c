package upstream

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"time"
)

// A Balance orders members of a group of mirrors for a request: the first is
// asked, the others in turn as long as those before them fail or keep silent.
// Order is given at least two members, in the order of the configuration: those
// that work, without the backups, or where there are none of these, those that
// have just come back, the backups, or those that are out. It returns their
// indexes; those that it leaves out come last. It may be called by many
// goroutines at once.
type Balance interface {
	Order(req Request, members []Candidate) []int
}

// A Candidate is a member as a [Balance] sees it.
type Candidate struct {
	Source  string // its name
	Weight  int    // at least 1
	Figures        // of the request's lane; zero without [Meter]
}

// balanceFunc makes a Balance of a function.
type balanceFunc func(req Request, members []Candidate) []int

func (f balanceFunc) Order(req Request, members []Candidate) []int { return f(req, members) }

// RoundRobin returns the Balance by which each request begins with the member
// after the one that the request before it began with. A Balance belongs to one
// group.
func RoundRobin() Balance {
	var turn atomic.Uint64
	return balanceFunc(func(_ Request, members []Candidate) []int {
		first := int((turn.Add(1) - 1) % uint64(max(1, len(members))))
		order := make([]int, len(members))
		for i := range order {
			order[i] = (first + i) % len(members)
		}
		return order
	})
}

// Weighted returns the Balance by which each member is the first as often as its
// Weight says, at random.
func Weighted() Balance {
	return balanceFunc(func(_ Request, members []Candidate) []int {
		// The least of exponential variables with these rates is each one's in
		// proportion to its rate, and so on for the rest (Efraimidis and
		// Spirakis, 2006).
		return ordered(members, func(c Candidate) float64 { return rand.ExpFloat64() / float64(c.Weight) })
	})
}

// LeastInFlight returns the Balance by which the member with the fewest calls
// under way is asked first, in relation to its Weight; of equals, the first.
func LeastInFlight() Balance {
	return balanceFunc(func(_ Request, members []Candidate) []int {
		return ordered(members, func(c Candidate) float64 { return float64(c.InFlight) / float64(c.Weight) })
	})
}

// LowestLatency returns the Balance by which the better of two members, drawn at
// random, is asked first: that with the lower average time to the first byte,
// times the calls under way, in relation to its Weight. That there are only two to choose from keeps all
// callers from rushing to the same one (Mitzenmacher, 1996), and keeps what is
// known of the others new. A member that nothing is known of counts as near.
func LowestLatency() Balance {
	cost := func(c Candidate) float64 {
		return float64(max(c.Average, time.Millisecond)) * float64(c.InFlight+1) / float64(c.Weight)
	}
	return balanceFunc(func(_ Request, members []Candidate) []int {
		order := ordered(members, cost)
		if len(order) < 2 {
			return order
		}
		a, b := rand.IntN(len(order)), rand.IntN(len(order)-1)
		if b >= a {
			b++
		}
		better := order[min(a, b)]
		return append([]int{better}, order...) // which is whole without it, too
	})
}

// ByModule returns the Balance by which requests for one module begin with the
// same member, so that the caches of the members together hold more. When a
// member comes or goes, only its own modules move: the order is by the highest
// random weight (Thaler and Ravishankar, 1996) of module path, or what is asked
// for where it names none, and source name.
// It is the same in every process.
func ByModule() Balance {
	return balanceFunc(func(req Request, members []Candidate) []int {
		return ordered(members, func(c Candidate) float64 {
			return -math.Log(hashed(cmp.Or(req.Module(), req.Key()), c.Source)) / float64(c.Weight)
		})
	})
}

// hashed returns a number between 0 and 1 that depends on the strings alone:
// 64-bit FNV-1a, mixed, for the names of mirrors differ in a few letters.
func hashed(module, source string) float64 {
	h := uint64(14695981039346656037)
	for _, s := range []string{module, "\x00", source} {
		for i := range len(s) {
			h = (h ^ uint64(s[i])) * 1099511628211
		}
	}
	h = (h ^ h>>33) * 0xff51afd7ed558ccd
	h = (h ^ h>>33) * 0xc4ceb9fe1a85ec53
	h ^= h >> 33
	return (float64(h>>11) + 0.5) / (1 << 53)
}

// ordered returns the indexes of members by cost, equals in their own order.
func ordered(members []Candidate, cost func(Candidate) float64) []int {
	costs := make([]float64, len(members))
	order := make([]int, len(members))
	for i, member := range members {
		costs[i], order[i] = cost(member), i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(costs[a], costs[b]) })
	return order
}
