package cachetest

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/breakwater-go/breakwater/cache"
)

// Test checks the stores that newStore makes and returns everything that it
// finds, joined by [errors.Join]; each error starts with the name of its check.
// Every check has a new store, which must be empty, and closes it if it is an
// [io.Closer].
//
// Besides Get and Put, Test checks the optional interfaces that the store
// implements: [cache.Spooler], [cache.Mover], [cache.Deleter], [cache.Bounded],
// [cache.Swapper], [cache.Lister], [cache.Locker]. One that is a [cache.Flusher]
// may refuse in Flush what others refuse in Put.
//
// A store must be large enough for Test to find again what it has put: content
// of 4 KiB and a hundred entries of it.
func Test(newStore func() (cache.Store, error)) error {
	var errs []error
	for _, c := range checks() {
		if err := c.try(newStore); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", c.name, err))
		}
	}
	return errors.Join(errs...)
}

// A check is one part of the contract.
type check struct {
	name string
	run  func(context.Context, cache.Store) error
}

func checks() []check {
	return []check{
		{"miss", checkMiss},
		{"round trip", checkRoundTrip},
		{"digest", checkDigest},
		{"replacement", checkReplacement},
		{"refused content", checkRefused},
		{"large content", checkLarge},
		{"cancelled context", checkCancelled},
		{"invalid keys", checkInvalidKeys},
		{"long keys", checkLongKeys},
		{"keys below keys", checkNestedKeys},
		{"body", checkBody},
		{"body outlives its entry", checkBodyOutlives},
		{"one key at once", checkOneKeyAtOnce},
		{"many keys at once", checkManyKeysAtOnce},
		{"commit", checkCommit},
		{"spooler", checkSpooler},
		{"mover", checkMover},
		{"deleter", checkDeleter},
		{"bounded", checkBounded},
		{"lister", checkLister},
		{"locker", checkLocker},
		{"flusher", checkFlusher},
		{"swapper", checkSwapper},
		{"swaps at once", checkSwapsAtOnce},
	}
}

// try runs c on a new store. A panic is a finding like any other.
func (c check) try(newStore func() (cache.Store, error)) (err error) {
	s, err := newStore()
	if err != nil {
		return fmt.Errorf("making the store: %w", err)
	}
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
		if closer, ok := s.(io.Closer); ok {
			err = errors.Join(err, closer.Close())
		}
	}()
	return c.run(context.Background(), s)
}
