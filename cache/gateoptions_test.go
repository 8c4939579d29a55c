package cache_test

import (
	"testing"

	"github.com/breakwater-go/breakwater/cache"
)

// A gate of which no failure is too many for is the default one, and not one that
// is shut for ever.
func TestGateFailuresBelowOne(t *testing.T) {
	s := cache.NewMemory(nil)
	g := cache.Gate(s, &cache.GateOptions{Failures: -1})
	put(t, s, "example.com/m/@v/list", "v1.0.0\n")
	if _, _, err := cache.ReadSmall(t.Context(), g, "example.com/m/@v/list"); err != nil {
		t.Errorf("reading through it: %v", err)
	}
}
