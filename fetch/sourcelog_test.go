package fetch_test

import (
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/breaker"
	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
)

// That a source is out, and back, is logged, and told to whoever wants to know.
func TestSourceChangesAreLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		var told []upstream.HealthState
		m := newMirror("mirror", newOrigin(t), 1)
		m.set(statusOf(500, 0))
		c := newClient(t, fetch.Options{
			Upstream: m.overPipes(t),
			Circuit: &breaker.CircuitOptions{
				ConsecutiveFailures: 1,
				OnChange:            func(change breaker.CircuitChange) { told = append(told, change.To) },
			},
			Logger: slog.New(slog.NewTextHandler(&log, nil)),
		})
		req := request(t, upstream.Mod, "example.com/hello", "v1.0.0")
		if _, err := c.Fetch(t.Context(), req); err == nil {
			t.Fatal("no error")
		}
		m.set(nil)
		time.Sleep(time.Minute)
		resp, err := c.Fetch(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		for _, want := range []string{"level=WARN", "a source is out", "source=http://mirror.example", `lane="small files"`, "status 500", "level=INFO", "a source is back"} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("the log lacks %q:\n%s", want, &log)
			}
		}
		want := []upstream.HealthState{upstream.Out, upstream.OnTrial, upstream.Working}
		if diff := cmp.Diff(want, told); diff != "" {
			t.Errorf("changes (-want +got):\n%s", diff)
		}
	})
}
