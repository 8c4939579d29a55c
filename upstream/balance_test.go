package upstream_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
)

// firsts returns how often each member is the first in n orders, and checks that
// each order is whole.
func firsts(t *testing.T, b upstream.Balance, n int, members []upstream.Candidate) map[string]int {
	t.Helper()
	count := make(map[string]int)
	for range n {
		order := b.Order(request(t, "a.b/c/@latest"), members)
		if len(members) == 0 {
			continue
		}
		count[members[order[0]].Source]++
		slices.Sort(order)
		if whole := slices.Compact(order); len(whole) != len(members) || whole[0] != 0 || whole[len(whole)-1] != len(members)-1 {
			t.Fatalf("somebody is left out of %v", whole)
		}
	}
	return count
}

func candidates(cs ...upstream.Candidate) []upstream.Candidate {
	for i := range cs {
		cs[i].Source = string(rune('a' + i))
		cs[i].Weight = max(1, cs[i].Weight)
	}
	return cs
}

func takes(d time.Duration) upstream.Candidate {
	return upstream.Candidate{Figures: upstream.Figures{Average: d}}
}

func busy(n, weight int) upstream.Candidate {
	return upstream.Candidate{Weight: weight, Figures: upstream.Figures{InFlight: n}}
}

func heavy(weight int) upstream.Candidate { return upstream.Candidate{Weight: weight} }

func TestBalance(t *testing.T) {
	busyFast := takes(100 * ms)
	busyFast.InFlight = 9
	tests := []struct {
		name    string
		balance upstream.Balance
		members []upstream.Candidate
		want    map[string]int // of 3000; give or take 200
	}{
		{"round robin", upstream.RoundRobin(), candidates(heavy(1), heavy(5), heavy(1)), map[string]int{"a": 1000, "b": 1000, "c": 1000}},
		{"weighted", upstream.Weighted(), candidates(heavy(1), heavy(2), heavy(3)), map[string]int{"a": 500, "b": 1000, "c": 1500}},
		{"least in flight", upstream.LeastInFlight(), candidates(busy(3, 1), busy(1, 1), busy(2, 1)), map[string]int{"b": 3000}},
		{"least in flight for its weight", upstream.LeastInFlight(), candidates(busy(3, 4), busy(1, 1), busy(2, 1)), map[string]int{"a": 3000}},
		{"least in flight, equal", upstream.LeastInFlight(), candidates(busy(1, 1), busy(1, 1)), map[string]int{"a": 3000}},
		{"lowest latency of two", upstream.LowestLatency(), candidates(takes(300*ms), takes(100*ms)), map[string]int{"b": 3000}},
		{"lowest latency", upstream.LowestLatency(), candidates(takes(300*ms), takes(100*ms), takes(200*ms)), map[string]int{"b": 2000, "c": 1000}},
		{"latency is unknown", upstream.LowestLatency(), candidates(takes(300*ms), takes(100*ms), takes(0)), map[string]int{"c": 2000, "b": 1000}},
		{"latency and load", upstream.LowestLatency(), candidates(takes(300*ms), busyFast), map[string]int{"a": 3000}},
		{"nobody", upstream.RoundRobin(), nil, map[string]int{}},
		{"nobody is weighted", upstream.Weighted(), nil, map[string]int{}},
		{"nobody is fast", upstream.LowestLatency(), nil, map[string]int{}},
		{"one is fast", upstream.LowestLatency(), candidates(takes(ms)), map[string]int{"a": 3000}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := firsts(t, test.balance, 3000, test.members)
			for _, source := range slices.Sorted(maps.Keys(got)) {
				if n := got[source]; n < test.want[source]-200 || n > test.want[source]+200 || test.want[source] == 0 {
					t.Errorf("%s is first %d times, want about %d", source, n, test.want[source])
				}
			}
			if len(got) != len(test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

func TestRoundRobinTakesTurns(t *testing.T) {
	b := upstream.RoundRobin()
	var got [][]int
	for range 4 {
		got = append(got, b.Order(request(t, "a.b/c/@latest"), candidates(heavy(1), heavy(1), heavy(1))))
	}
	want := [][]int{{0, 1, 2}, {1, 2, 0}, {2, 0, 1}, {0, 1, 2}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("orders (-want +got):\n%s", diff)
	}
}

// The second in a weighted order is drawn by weight among the rest, and so on.
func TestWeightedGoesOn(t *testing.T) {
	seconds := 0
	members := candidates(heavy(1), heavy(1000), heavy(9))
	for range 1000 {
		order := upstream.Weighted().Order(request(t, "a.b/c/@latest"), members)
		if order[1] == 2 {
			seconds++
		}
	}
	if seconds < 800 {
		t.Errorf("the second heaviest is second %d times of 1000", seconds)
	}
}

// byModule returns the order of members, by name, for each of many modules.
func byModule(t *testing.T, names string, weights map[rune]int) map[string]string {
	var members []upstream.Candidate
	for _, name := range names {
		members = append(members, upstream.Candidate{Source: "https://mirror-" + string(name) + ".example", Weight: max(1, weights[name])})
	}
	orders := make(map[string]string)
	for i := range 3000 {
		module := fmt.Sprintf("example.com/m%d", i)
		order := ""
		for _, i := range upstream.ByModule().Order(request(t, module+"/@latest"), members) {
			order += names[i : i+1]
		}
		orders[module] = order
		if again := upstream.ByModule().Order(request(t, module+"/@v/v1.0.0.zip"), members); names[again[0]] != order[0] {
			t.Fatalf("%s begins with different members for different files", module)
		}
	}
	return orders
}

// When a member leaves, only its modules move, and each to its second.
func TestByModuleIsStable(t *testing.T) {
	with, without := byModule(t, "abcd", nil), byModule(t, "adb", nil)
	count := make(map[byte]int)
	for module, order := range with {
		count[order[0]]++
		want := order[:1]
		if want == "c" {
			want = order[1:2]
		}
		if got := without[module][:1]; got != want {
			t.Errorf("%s went from %s to %s", module, order, without[module])
		}
	}
	for _, name := range []byte("abcd") {
		if n := count[name]; n < 650 || n > 850 {
			t.Errorf("%c has %d modules of 3000", name, n)
		}
	}
}

func TestByModuleWeights(t *testing.T) {
	count := make(map[byte]int)
	for _, order := range byModule(t, "abc", map[rune]int{'b': 4}) {
		count[order[0]]++
	}
	if count['b'] < 1900 || count['b'] > 2100 || count['a'] < 400 {
		t.Errorf("b has %d modules of 3000 with a weight of 4 of 6, a has %d", count['b'], count['a'])
	}
}
