package upstream_test

import (
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
)

// TestBudget plays a script: "o" is an ordinary request, "r" a refund, "s" a
// second that passes; "+" is an extra request that is within the budget, "-" one
// that is not.
func TestBudget(t *testing.T) {
	tests := []struct {
		name   string
		budget func() *upstream.Budget
		script string
	}{
		{"begins full", func() *upstream.Budget { return upstream.NewBudget(0.5, 2, 0) }, "++-"},
		{"share", func() *upstream.Budget { return upstream.NewBudget(0.5, 2, 0) }, "++-o-o+-oo+-"},
		{"holds no more than the burst", func() *upstream.Budget { return upstream.NewBudget(0.5, 2, 0) }, "oooooooo++-"},
		{"refund", func() *upstream.Budget { return upstream.NewBudget(0.5, 2, 0) }, "++-r+-rrr++-"},
		{"time", func() *upstream.Budget { return upstream.NewBudget(0, 2, 0.5) }, "++-s-s+-ssssssss++-"},
		{"no time", func() *upstream.Budget { return upstream.NewBudget(0, 2, 0) }, "++-ssssoooo-"},
		{"nothing", func() *upstream.Budget { return upstream.NewBudget(1, 0, 1) }, "-os-"},
		{"negative is nothing", func() *upstream.Budget { return upstream.NewBudget(-1, 1, -1) }, "+-oss-r+-"},
		{"zero value", func() *upstream.Budget { return new(upstream.Budget) }, "-oosr-"},
		{"nil allows everything", func() *upstream.Budget { return nil }, "+++or+++"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := test.budget()
				var got strings.Builder
				for _, step := range test.script {
					switch step {
					case 'o':
						b.Ordinary()
					case 'r':
						b.Refund()
					case 's':
						time.Sleep(time.Second)
					default:
						step = '-'
						if b.Take() {
							step = '+'
						}
					}
					got.WriteRune(step)
				}
				if got.String() != test.script {
					t.Errorf("got %s, want %s", got.String(), test.script)
				}
			})
		})
	}
}

// However many take at once, there is no more than there is.
func TestBudgetIsShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := upstream.NewBudget(0, 10, 1)
		taken := &log{}
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				if b.Take() {
					taken.add("")
				}
			})
		}
		all.Wait()
		if len(taken.lines) != 10 {
			t.Errorf("%d of 10 were taken", len(taken.lines))
		}
	})
}
