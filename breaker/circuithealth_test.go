package breaker_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/breaker"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
)

// Health follows the circuit, each lane for itself. A source that is out is on
// trial as soon as the next request may show whether it is back, though nobody
// has asked yet.
func TestCircuitHealth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := down("proxy")
		u := breaker.Circuit(nil)(s)
		check := func(when string, want upstream.Health) {
			t.Helper()
			all := map[upstream.Lane]upstream.Health{upstream.SmallFiles: want, upstream.Zips: {}, upstream.SumDBs: {}}
			got := map[upstream.Lane]upstream.Health{}
			for lane := range all {
				got[lane] = upstream.HealthOf(u, lane)
			}
			if diff := cmp.Diff(all, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", when, diff)
			}
		}
		check("at first", upstream.Health{})
		askTimes(t, u, 4)
		check("after four failures", upstream.Health{})
		askTimes(t, u, 1)
		check("once open", upstream.Health{State: upstream.Out})
		time.Sleep(10*time.Second - 1)
		check("until the end of OpenFor", upstream.Health{State: upstream.Out})
		time.Sleep(time.Nanosecond)
		check("then", upstream.Health{State: upstream.OnTrial})
		askTimes(t, u, 1)
		check("after a probe that failed", upstream.Health{State: upstream.Out})
		time.Sleep(10 * time.Second)
		s.works()
		askTimes(t, u, 1)
		back := time.Now()
		check("after one that succeeded", upstream.Health{Back: back})

		s.fails(upstream.Error{})
		time.Sleep(time.Second)
		askTimes(t, u, 5)
		check("open again", upstream.Health{State: upstream.Out, Back: back})
		time.Sleep(5 * time.Second)
		askTimes(t, lastResort(u), 1)
		check("after a last resort that failed", upstream.Health{State: upstream.Out, Back: back})
		time.Sleep(time.Second)
		s.works()
		askTimes(t, lastResort(u), 1)
		check("after one that succeeded", upstream.Health{Back: time.Now()})
	})
}

// The source is found by who asks for its health, also behind other middleware.
func TestCircuitReportsHealthBehindMiddleware(t *testing.T) {
	u := breaker.Circuit(&breaker.CircuitOptions{ConsecutiveFailures: 1})(down("proxy"))
	outer := breaker.Limit(nil)(u)
	askTimes(t, outer, 1)
	if got := upstream.HealthOf(outer, upstream.SmallFiles).State; got != upstream.Out {
		t.Errorf("the source is %v", got)
	}
}
