package upstream_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
)

// A source that hangs beside one that is fast has its time each time, though the
// other answers at once: so whoever counts its failures gets to know.
func TestHedgeGivesSuspectsTheirTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage()
		members := on(s, actor{name: "a", takes: never}, actor{name: "b", takes: 20 * ms})
		for i := range members {
			members[i] = upstream.Meter()(members[i])
		}
		u := upstream.Hedge(upstream.Mirrors(members...), steady)
		for range 2 {
			resp, err := u.Fetch(t.Context(), request(t, "a.b/c/@latest"))
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			time.Sleep(80 * ms)
		}
		time.Sleep(time.Second)
		upstream.Drain(u)
		want := []string{
			"0s a asked", "500ms b asked", "520ms a outpaced", "520ms b answers", "520ms b closed",
			"600ms a asked", "600ms b asked", "620ms b answers", "620ms b closed", "1.1s a outpaced",
		}
		if diff := cmp.Diff(want, s.script()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// It has as long as the winner took, if that is longer than it usually takes.
func TestHedgeGivesSuspectsAsLongAsTheWinner(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage()
		actors := on(s, actor{name: "a", takes: never}, actor{name: "b", takes: 1400 * ms})
		a := upstream.Meter()(actors[0])
		before := upstream.Hedge(upstream.Mirrors(a, &source{name: "c"}), steady)
		s.play(t.Context(), t, before, "a.b/c/@latest")
		upstream.Drain(before)
		s.begun, s.said = time.Now(), nil
		u := upstream.Hedge(upstream.Mirrors(upstream.Meter()(actors[1]), a), steady)
		s.play(t.Context(), t, u, "a.b/c/@latest") // a is asked at 500 ms, and b answers at 1.4 s
		time.Sleep(499 * ms)
		synctest.Wait()
		if len(s.ends()) != 0 {
			t.Errorf("it has not had its time: %q", s.script())
		}
		time.Sleep(time.Second)
		if len(s.ends()) != 1 {
			t.Errorf("it goes on: %q", s.script())
		}
		upstream.Drain(u)
	})
}
