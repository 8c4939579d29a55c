//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package cache

import (
	"context"
	"errors"
	"testing"
)

// Whoever waits for the lock waits no longer than his context, whether somebody
// in this process has it or in another one, and then goes on where he can.
func TestSwapLock(t *testing.T) {
	dir := t.TempDir()
	open := func() *Disk {
		d, err := OpenDisk(dir, nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { d.Close() })
		return d
	}
	d, stranger := open(), open()
	swap := func(ctx context.Context, old, next string) error {
		return d.Swap(ctx, "key", []byte(old), []byte(next), Meta{})
	}
	if err := d.Swap(t.Context(), "key", nil, []byte("1"), Meta{}); err != nil {
		t.Fatal(err)
	}
	for name, holder := range map[string]*Disk{"this process": d, "another process": stranger} {
		unlock, err := holder.lock(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		gone := errors.New("gone")
		ctx, cancel := context.WithCancelCause(t.Context())
		first, second := make(chan error), make(chan error)
		go func() { first <- swap(ctx, "1", "2") }()
		go func() { second <- swap(ctx, "1", "2") }()
		cancel(gone)
		for _, failed := range []chan error{first, second} {
			if err := <-failed; !errors.Is(err, gone) {
				t.Errorf("locked by %s: %v, want the context's cause", name, err)
			}
		}
		swapped := make(chan error)
		go func() { swapped <- swap(t.Context(), "1", "1") }()
		unlock()
		if err := <-swapped; err != nil {
			t.Errorf("after %s has let go: %v", name, err)
		}
	}
}
