package inspect_test

import (
	"context"
	"os"
	"testing"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/verify"
	"golang.org/x/mod/module"
)

// asked is a Verifier that notes which module paths it is asked about, by one
// goroutine.
type asked struct {
	verify.Verifier
	paths map[string]bool
}

func (a *asked) Expect(ctx context.Context, m module.Version, k upstream.Kind) (verify.Sums, error) {
	a.paths[m.Path] = true
	return a.Verifier.Expect(ctx, m, k)
}

// interrupting is a Verifier for one goroutine that interrupts whoever asks it, after
// some answers.
type interrupting struct {
	verify.Verifier
	after     int
	interrupt func()
}

func (i *interrupting) Expect(ctx context.Context, m module.Version, k upstream.Kind) (verify.Sums, error) {
	if i.after == 0 {
		i.interrupt()
		return verify.Sums{}, upstream.ContextError(ctx, upstream.Request{}, "")
	}
	i.after--
	return i.Verifier.Expect(ctx, m, k)
}

func remove(t *testing.T, name string) {
	t.Helper()
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
}

func link(t *testing.T, to, name string) {
	t.Helper()
	if err := os.Symlink(to, name); err != nil {
		t.Fatal(err)
	}
}
