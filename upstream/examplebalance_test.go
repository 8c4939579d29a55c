package upstream_test

import (
	"fmt"
	"strings"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
)

// showOrder prints the order in which members are asked for a module.
func showOrder(b upstream.Balance, module string, members ...upstream.Candidate) {
	req, err := upstream.NewRequest(upstream.List, module, "")
	if err != nil {
		fmt.Println(err)
		return
	}
	var order []string
	for _, i := range b.Order(req, members) {
		order = append(order, members[i].Source)
	}
	fmt.Println(strings.Join(order, ", "))
}

func ExampleRoundRobin() {
	b := upstream.RoundRobin()
	for range 3 {
		showOrder(b, "example.com/hello", upstream.Candidate{Source: "one"}, upstream.Candidate{Source: "two"}, upstream.Candidate{Source: "three"})
	}
	// Output:
	// one, two, three
	// two, three, one
	// three, one, two
}

func ExampleLeastInFlight() {
	showOrder(upstream.LeastInFlight(), "example.com/hello",
		upstream.Candidate{Source: "busy", Weight: 1, Figures: upstream.Figures{InFlight: 3}},
		upstream.Candidate{Source: "idle", Weight: 1, Figures: upstream.Figures{InFlight: 1}},
		upstream.Candidate{Source: "busy but large", Weight: 10, Figures: upstream.Figures{InFlight: 5}},
	)
	// Output:
	// busy but large, idle, busy
}

// Each module has its own order, which is the same everywhere.
func ExampleByModule() {
	one, two := upstream.Candidate{Source: "one", Weight: 1}, upstream.Candidate{Source: "two", Weight: 1}
	for _, module := range []string{"example.com/a", "example.com/b", "example.com/c", "example.com/d"} {
		showOrder(upstream.ByModule(), module, one, two)
	}
	// Output:
	// one, two
	// two, one
	// two, one
	// two, one
}

// Of two members the better is always the first.
func ExampleLowestLatency() {
	fast := upstream.Candidate{Source: "fast", Weight: 1, Figures: upstream.Figures{Average: 20 * time.Millisecond}}
	slow := upstream.Candidate{Source: "slow", Weight: 1, Figures: upstream.Figures{Average: 80 * time.Millisecond}}
	req, err := upstream.NewRequest(upstream.List, "example.com/hello", "")
	if err != nil {
		fmt.Println(err)
		return
	}
	members := []upstream.Candidate{slow, fast}
	fmt.Println(members[upstream.LowestLatency().Order(req, members)[0]].Source)
	// Output:
	// fast
}

// A member with three times the weight is the first three times as often.
func ExampleWeighted() {
	small := upstream.Candidate{Source: "small", Weight: 1}
	large := upstream.Candidate{Source: "large", Weight: 3}
	req, err := upstream.NewRequest(upstream.List, "example.com/hello", "")
	if err != nil {
		fmt.Println(err)
		return
	}
	members := []upstream.Candidate{small, large}
	first := map[string]int{}
	for range 10_000 {
		first[members[upstream.Weighted().Order(req, members)[0]].Source]++
	}
	fmt.Println(first["large"] > 7_000, first["small"] > 2_000)
	// Output:
	// true true
}
