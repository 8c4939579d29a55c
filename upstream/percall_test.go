package upstream_test

import (
	"testing"

	"github.com/breakwater-go/breakwater/upstream"
)

func TestPerCallValues(t *testing.T) {
	plain := t.Context()
	if upstream.Offline(plain) || upstream.Via(plain) != "" {
		t.Error("a plain context is offline, or has a Via header")
	}
	ctx := upstream.WithVia(upstream.WithOffline(plain), "1.1 near")
	if !upstream.Offline(ctx) || upstream.Via(ctx) != "1.1 near" {
		t.Errorf("offline is %v, Via is %q", upstream.Offline(ctx), upstream.Via(ctx))
	}
}
