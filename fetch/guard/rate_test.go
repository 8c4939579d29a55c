package guard_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/fetch/guard"
	"github.com/google/go-cmp/cmp"
)

var ok = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusOK) })

// ask makes a request from an address and returns the answer.
func ask(h http.Handler, from string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", "/", nil)
	r.RemoteAddr = from
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// statuses makes n requests and counts the answers by status.
func statuses(h http.Handler, from string, n int) map[int]int {
	got := map[int]int{}
	for range n {
		got[ask(h, from).Code]++
	}
	return got
}

func TestRateLetsABurstThroughAndThenOneByOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := guard.Rate(ok, &guard.RateOptions{PerSecond: 10, Burst: 5, Wait: -1})
		const caller = "192.0.2.1:1000"
		steps := []struct {
			rest time.Duration
			want map[int]int // of ten requests
		}{
			{0, map[int]int{200: 5, 429: 5}},
			{100 * time.Millisecond, map[int]int{200: 1, 429: 9}},
			{99 * time.Millisecond, map[int]int{429: 10}},
			{time.Millisecond, map[int]int{200: 1, 429: 9}},
			{time.Hour, map[int]int{200: 5, 429: 5}},
		}
		for i, step := range steps {
			time.Sleep(step.rest)
			if diff := cmp.Diff(step.want, statuses(h, caller, 10)); diff != "" {
				t.Errorf("step %d (-want +got):\n%s", i, diff)
			}
		}
	})
}

func TestRateSaysWhenToComeAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := guard.Rate(ok, &guard.RateOptions{PerSecond: 0.1, Burst: 1, Wait: 3500 * time.Millisecond})
		ask(h, "192.0.2.1:1")
		w := ask(h, "192.0.2.1:1")
		if got := w.Header().Get("Retry-After"); w.Code != 429 || got != "7" {
			t.Errorf("status %d, Retry-After %q, want 429 and 7", w.Code, got)
		}
		time.Sleep(7 * time.Second)
		before := time.Now()
		if w := ask(h, "192.0.2.1:1"); w.Code != 200 || time.Since(before) != 3*time.Second {
			t.Errorf("status %d after %v, want 200 after a wait of 3s", w.Code, time.Since(before))
		}
	})
}

func TestRateSlowsAGoCommandDownAndFailsNoneOfIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := guard.Rate(ok, nil)
		var workers sync.WaitGroup
		results := make(chan map[int]int, 64)
		before := time.Now()
		for range 64 { // as many at once as it has CPUs
			workers.Go(func() { results <- statuses(h, "192.0.2.1:1", 100) })
		}
		workers.Wait()
		close(results)
		got := map[int]int{}
		for r := range results {
			for code, n := range r {
				got[code] += n
			}
		}
		if diff := cmp.Diff(map[int]int{200: 6400}, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if took := time.Since(before); took != (6400-2000)*5*time.Millisecond {
			t.Errorf("it took %v", took)
		}
	})
}

func TestRateBoundsHowManyWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := guard.Rate(ok, &guard.RateOptions{PerSecond: 10, Burst: 1, Wait: time.Second})
		results := make(chan int, 100)
		for range cap(results) {
			go func() { results <- ask(h, "192.0.2.1:1").Code }()
		}
		got := map[int]int{}
		for range cap(results) {
			got[<-results]++
		}
		if diff := cmp.Diff(map[int]int{200: 11, 429: 89}, got); diff != "" {
			t.Errorf("one at once and ten within the second (-want +got):\n%s", diff)
		}
	})
}

func TestRateForgetsWaitersThatLeave(t *testing.T) {
	const from = "192.0.2.1:1"
	synctest.Test(t, func(t *testing.T) {
		h := guard.Rate(ok, &guard.RateOptions{PerSecond: 0.001, Burst: 1, Wait: time.Hour})
		ask(h, from)
		ctx, cancel := context.WithCancel(t.Context())
		r := httptest.NewRequestWithContext(ctx, "GET", "/", nil)
		r.RemoteAddr = from
		w := httptest.NewRecorder()
		done := make(chan struct{})
		go func() {
			defer close(done)
			h.ServeHTTP(w, r)
		}()
		synctest.Wait()
		before := time.Now()
		cancel()
		<-done
		if time.Since(before) != 0 || w.Code != http.StatusServiceUnavailable {
			t.Errorf("status %d after %v, want 503 at once", w.Code, time.Since(before))
		}
	})
}

func TestRateTellsCallersApart(t *testing.T) {
	tests := []struct {
		name, first, second string
		same                bool
	}{
		{"two ports", "192.0.2.1:1", "192.0.2.1:2", true},
		{"two addresses", "192.0.2.1:1", "192.0.2.2:1", false},
		{"IPv4 in IPv6", "192.0.2.1:1", "[::ffff:192.0.2.1]:1", true},
		{"one network of IPv6", "[2001:db8:1:2::1]:1", "[2001:db8:1:2:ffff::9]:1", true},
		{"two networks of IPv6", "[2001:db8:1:2::1]:1", "[2001:db8:1:3::1]:1", false},
		{"two zones", "[fe80::1%eth0]:1", "[fe80::1%eth1]:1", true},
		{"no address at all", "@", "", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := guard.Rate(ok, &guard.RateOptions{PerSecond: 0.001, Burst: 1, Wait: -1})
			ask(h, tt.first)
			if same := ask(h, tt.second).Code == 429; same != tt.same {
				t.Errorf("one caller: %v, want %v", same, tt.same)
			}
		})
	}
}

func TestRateByAnAuthenticatedName(t *testing.T) {
	users := guard.Basic("modules", map[string]string{"ann": "a-password", "bob": "b-password"})
	h := guard.Rate(ok, &guard.RateOptions{PerSecond: 0.001, Burst: 1, Wait: -1, Caller: users.Caller})
	var got []int
	for _, caller := range []struct{ user, password string }{
		{"ann", "a-password"}, {"ann", "a-password"}, {"bob", "b-password"},
		{"carl", "1"}, {"dora", "2"}, // whom nobody knows: one caller, by address
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.SetBasicAuth(caller.user, caller.password)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		got = append(got, w.Code)
	}
	if diff := cmp.Diff([]int{200, 429, 200, 200, 429}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestRateBoundsWhatItRemembers(t *testing.T) {
	h := guard.Rate(ok, &guard.RateOptions{PerSecond: 0.001, Burst: 1, Wait: -1, Callers: 2})
	var got []int
	for _, host := range []int{1, 2, 1, 3, 1, 2} { // 3 takes the place of 2
		got = append(got, ask(h, fmt.Sprintf("192.0.2.%d:1", host)).Code)
	}
	if diff := cmp.Diff([]int{200, 200, 429, 200, 429, 200}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestRateBehindAReverseProxy(t *testing.T) {
	from := guard.ForwardedFor(netip.MustParsePrefix("10.0.0.0/8"))
	h := guard.Rate(ok, &guard.RateOptions{PerSecond: 0.001, Burst: 1, Wait: -1, Caller: guard.CallerBy(from)})
	var got []int
	for _, header := range []string{"192.0.2.1", "192.0.2.1", "192.0.2.2", "made up, 192.0.2.2"} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = "10.0.0.1:1"
		r.Header.Set("X-Forwarded-For", header)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		got = append(got, w.Code)
	}
	if diff := cmp.Diff([]int{200, 429, 200, 429}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
