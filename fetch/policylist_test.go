package fetch_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/fetch"
	"golang.org/x/mod/module"
)

// What is in a list is its author's choice, so that not everything in it is asked
// about; its versions can be had by name.
func TestCooldownBoundsWhatAListCosts(t *testing.T) {
	const path = "example.com/m"
	const tooMany = "denied: it is not known how old the versions in the list are: more than 500 would have to be asked about; ask for one by its name"
	tests := []struct {
		name    string
		format  string // of a version
		n       int
		age     time.Duration
		absent  bool // the source lists them, and does not have them
		asked   int  // 1 for the list
		refused bool
	}{
		{"few series", "v0.%d.1", 500, 9 * day, false, 501, false},
		{"many series", "v0.%d.1", 501, 9 * day, false, 1, true},
		{"few young versions", "v0.0.%d", 500, day, false, 501, false},
		{"many young versions", "v0.0.%d", 501, day, false, 501, true},
		{"many absent versions", "v0.0.%d", 501, 0, true, 501, true},
		{"many old versions", "v0.0.%d", 5000, 9 * day, false, 2, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &shelf{}
				for i := range tt.n {
					s.add(path, fmt.Sprintf(tt.format, i+1), tt.age)
				}
				list := path + "/@v/list"
				if tt.absent {
					s.files = map[string]string{list: s.files[list]}
				}
				policed, _ := police(t, fetch.Policy{Cooldown: 7 * day}, s)
				if got := askPoliced(t, t.Context(), policed, list); (got == tooMany) != tt.refused {
					t.Errorf("got %.200q", got)
				}
				if got := len(s.takeAsked()); got != tt.asked {
					t.Errorf("%d requests, want %d", got, tt.asked)
				}
				one := path + "/@v/" + fmt.Sprintf(tt.format, 1) + ".mod"
				if got := askPoliced(t, t.Context(), policed, one); tt.age > 7*day && got != s.files[one] {
					t.Errorf("by its name: got %q", got)
				}
			})
		})
	}
}

// Who knows when versions came out is not asked without end, either.
func TestCooldownBoundsWhatPublishedIsAsked(t *testing.T) {
	const path = "example.com/m"
	var calls atomic.Int64
	s := &shelf{}
	for i := range 501 {
		s.add(path, fmt.Sprintf("v0.0.%d", i+1), day)
	}
	policed, _ := police(t, fetch.Policy{Cooldown: 7 * day, Published: func(context.Context, module.Version) (time.Time, error) {
		calls.Add(1)
		return time.Now(), nil
	}}, s)
	if got := askPoliced(t, t.Context(), policed, path+"/@v/list"); !strings.HasPrefix(got, "denied: it is not known how old") || calls.Load() != 500 {
		t.Errorf("got %q after %d calls, want a denial after 500", got, calls.Load())
	}
	if got := askPoliced(t, t.Context(), policed, path+"/@v/list"); got != "" {
		t.Errorf("with those dates: got %q, want an empty list", got)
	}
}
