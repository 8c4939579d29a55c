package cachetest

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/breakwater-go/breakwater/cache"
)

// Damage is what may happen to stored content while nobody looks.
type Damage string

const (
	Flipped Damage = "flipped" // one bit of it, in the middle; what else shows of it, such as times, stays
	Cut     Damage = "cut"     // to half of its size
	Emptied Damage = "emptied" // it is there, and has no bytes
	Removed Damage = "removed" // it is not there, but what the store keeps beside it is
)

// TestDamage checks that damage to what a store has stored costs a refetch and
// never a wrong byte: after it, an entry is whole or a miss, however often it is
// asked for, and no error; a new Put heals it for good; other entries are
// unharmed.
//
// Each call of open opens the same storage, as in [TestReopen]. damage is called
// while the store is closed, to damage the content under key where it lasts.
func TestDamage(open func() (cache.Store, error), damage func(key string, how Damage) error) error {
	ctx := context.Background()
	victims := map[string]Damage{}
	for _, how := range []Damage{Flipped, Cut, Emptied, Removed} {
		for i := range 3 {
			victims[fmt.Sprintf("%s/%d/v1.0.0.zip", how, i)] = how
		}
	}
	err := opened(open, func(s cache.Store) error { return putAll(ctx, s, victims) })
	if err != nil {
		return err
	}
	for key, how := range victims {
		if err := damage(key, how); err != nil {
			return fmt.Errorf("damaging %s: %w", key, err)
		}
	}
	for _, step := range []struct {
		name string
		run  func(context.Context, cache.Store, map[string]Damage) error
	}{
		{"after the damage", wantNoHarm},
		{"healing it", heal},
		{"after it was healed", wantHealed},
	} {
		err := opened(open, func(s cache.Store) error { return step.run(ctx, s, victims) })
		if err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
	}
	return nil
}

// neighbour is the key of the entry beside another, which nobody damages.
func neighbour(key string) string { return key + "hash" }

// isUnseen reports whether nobody looks at an entry between its damage and the Put
// that heals it: a store must not need to have noticed.
func isUnseen(key string) bool { return strings.Contains(key, "/0/") }

func putAll(ctx context.Context, s cache.Store, victims map[string]Damage) error {
	var errs []error
	for key := range victims {
		errs = append(errs, putSample(ctx, s, key, 1), putSample(ctx, s, neighbour(key), 1))
	}
	return errors.Join(errs...)
}

func wantNoHarm(ctx context.Context, s cache.Store, victims map[string]Damage) error {
	var errs []error
	for key := range victims {
		if isUnseen(key) {
			continue
		}
		for range 2 {
			_, err := wantSomeVersion(ctx, s, key, 1)
			errs = append(errs, err)
		}
		errs = append(errs, wantSample(ctx, s, neighbour(key), 1))
	}
	return errors.Join(errs...)
}

// heal puts again what was damaged: first the same, then something else.
func heal(ctx context.Context, s cache.Store, victims map[string]Damage) error {
	for key := range victims {
		if err := putSample(ctx, s, key, 1); err != nil {
			return err
		}
		if err := wantSample(ctx, s, key, 1); err != nil {
			return err
		}
		if err := putSample(ctx, s, key, 2); err != nil {
			return err
		}
	}
	return wantHealed(ctx, s, victims)
}

func wantHealed(ctx context.Context, s cache.Store, victims map[string]Damage) error {
	var errs []error
	for key := range victims {
		errs = append(errs, wantSample(ctx, s, key, 2), wantSample(ctx, s, neighbour(key), 1))
	}
	return errors.Join(errs...)
}
