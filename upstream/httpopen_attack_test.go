package upstream_test

import (
	"context"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
)

// A connection that is there is used at once, also while the one that was to lead hangs:
// others have opened it meanwhile.
func TestHTTPHangingLeaderHoldsUpOnlyTheFirst(t *testing.T) {
	certs := httptest.NewTLSServer(nil)
	defer certs.Close()
	synctest.Test(t, func(t *testing.T) {
		l := dialed(t, certs, true, func(ctx context.Context, earlier int) error {
			if earlier > 0 {
				return nil
			}
			<-ctx.Done() // as where the SYN is lost
			return ctx.Err()
		})
		ctx, cancel := context.WithCancel(t.Context())
		var leader sync.WaitGroup
		leader.Go(func() { upstream.ReadAll(ctx, l, request(t, "a.b/c/@latest")) })
		synctest.Wait()
		var took []time.Duration
		for range 4 {
			start := time.Now()
			if _, err := upstream.ReadAll(t.Context(), l, request(t, "a.b/c/@latest")); err != nil {
				t.Error(err)
			}
			took = append(took, time.Since(start).Round(time.Millisecond)-answerTakes)
		}
		cancel()
		leader.Wait()
		want := []time.Duration{time.Second + dialTakes, 0, 0, 0}
		if diff := cmp.Diff(want, took); diff != "" {
			t.Errorf("beyond the answer it took (-want +got):\n%s", diff)
		}
	})
}
