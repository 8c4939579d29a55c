package breaker_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/breaker"
	"github.com/breakwater-go/breakwater/upstream"
)

// strike reports a lie of u about a go.mod file.
func strike(u upstream.Upstream) {
	u.(interface{ Strike(upstream.Kind, error) }).Strike(upstream.Mod, errors.New("a lie"))
}

// A lie that was found out after it was let through opens the circuit at once,
// and only that of its kind.
func TestStrikesOpenTheCircuit(t *testing.T) {
	s := upstream.Func(func(context.Context, upstream.Request) (*upstream.Response, error) {
		return &upstream.Response{Body: io.NopCloser(strings.NewReader("")), Source: "proxy"}, nil
	})
	u := breaker.Circuit(&breaker.CircuitOptions{ConsecutiveFailures: 2})(s)
	circuit := u.(interface{ Strike(upstream.Kind, error) })
	if err := ask(t.Context(), t, u, "sumdb/sum.example/latest"); err != nil {
		t.Errorf("before: %v", err)
	}
	circuit.Strike(upstream.SumDBTile, errors.New("a wrong tile"))
	if err := ask(t.Context(), t, u, "sumdb/sum.example/latest"); !errors.Is(err, breaker.ErrOpen) {
		t.Errorf("the database is asked for: %v", err)
	}
	if err := ask(t.Context(), t, u, modKey); err != nil {
		t.Errorf("a go.mod file: %v", err)
	}
}

// A strike that finds the circuit open says nothing new: it does not keep it
// open for longer, nor open it again later.
func TestStrikeOfAnOpenCircuit(t *testing.T) {
	for _, when := range []time.Duration{0, 5 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			s := down("proxy")
			u := breaker.Circuit(nil)(s)
			askTimes(t, u, 5)
			time.Sleep(when)
			strike(u)
			if left := refusedFor(t, u); left != 10*time.Second-when {
				t.Errorf("struck after %v, it is to be left alone for %v", when, left)
			}
			time.Sleep(10*time.Second - when)
			if open := play(t, u, s, "SFFFF"); open {
				t.Errorf("struck after %v, it is open after four failures", when)
			}
		})
	}
}

// A source on trial that is struck is out again.
func TestStrikeOnTrial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u, s := opened(t, 1)
		time.Sleep(12 * time.Second)
		strike(u)
		if left := refusedFor(t, u); left != 10*time.Second {
			t.Errorf("to be left alone for %v", left)
		}
		wantAsked(t, s, 0)
	})
}
