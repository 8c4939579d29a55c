package display_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/breakwater-go/breakwater/examples/modget/internal/display"
)

// A module without a bar says what it waits for, and one that is all here that it is
// not done yet.
func TestBarsSayWhatIsWaitedFor(t *testing.T) {
	waits := func(word string) func(*display.Item) {
		return func(i *display.Item) { i.Waiting(func() string { return word }) }
	}
	for _, columns := range []int{80, 60} {
		for _, test := range []struct {
			name  string
			begin func(*display.Item)
			want  string // at the end of its row
		}{
			{"nothing is known", func(*display.Item) {}, "waiting"},
			{"queued", waits("queued"), "queued"},
			{"asking", waits("asking"), "asking"},
			{"all is here", func(i *display.Item) { i.Arriving(proxy, 2<<20, func() int64 { return 2 << 20 }) }, "verifying"},
		} {
			t.Run(fmt.Sprint(columns, " columns, ", test.name), func(t *testing.T) {
				watch(t, columns, 24, func(d *display.Display, _ *terminal, look func() string) {
					test.begin(d.Begin(modV042))
					row, _, _ := strings.Cut(look(), "\n")
					if words := strings.Fields(row); len(words) < 3 || words[len(words)-1] != test.want || len(row) > columns {
						t.Errorf("the row is %q, want %q at its end", row, test.want)
					}
				})
			})
		}
	}
}
