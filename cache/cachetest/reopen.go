package cachetest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/breakwater-go/breakwater/cache"
)

// TestReopen checks a store that lasts: what was put, committed, swapped and
// deleted is so after Close and in every store that is opened later, with its
// meta unchanged, and a store that was opened again takes writes like a new one.
// Each call of open opens the same storage, which must be empty at first;
// TestReopen closes what it opens, if it is an [io.Closer], before it opens the
// next. Everything found in one of them is returned, joined by [errors.Join]. See
// [Test] for how large the store must be.
func TestReopen(open func() (cache.Store, error)) error {
	ctx := context.Background()
	book := ledger{}
	for round := range 3 {
		err := opened(open, func(s cache.Store) error {
			if err := book.check(ctx, s); err != nil {
				return err
			}
			return book.write(ctx, s, round)
		})
		if err != nil {
			return fmt.Errorf("opened %d times: %w", round+1, err)
		}
	}
	return nil
}

// opened uses a store that is open for as long. A panic is a finding like any
// other.
func opened(open func() (cache.Store, error), use func(cache.Store) error) (err error) {
	s, err := open()
	if err != nil {
		return fmt.Errorf("opening the store: %w", err)
	}
	defer func() {
		if r := recover(); r != nil {
			err = errors.Join(err, fmt.Errorf("panic: %v", r))
		}
		if closer, ok := s.(io.Closer); ok {
			err = errors.Join(err, closer.Close())
		}
	}()
	return use(s)
}

// A ledger has the version that is stored under each key, or gone.
type ledger map[string]int

const gone = -1

// check compares all that is stored with the ledger.
func (l ledger) check(ctx context.Context, s cache.Store) error {
	var errs []error
	var there []string
	for key, version := range l {
		if version == gone {
			errs = append(errs, wantMiss(ctx, s, key))
			continue
		}
		there = append(there, key)
		errs = append(errs, wantSample(ctx, s, key, version))
	}
	if lister, ok := s.(cache.Lister); ok && l.lists(ctx, lister) {
		slices.Sort(there)
		errs = append(errs, wantListed(ctx, lister, there...))
	}
	return errors.Join(errs...)
}

// lists tells a store that can list from one over others that cannot.
func (l ledger) lists(ctx context.Context, s cache.Lister) bool {
	err := s.List(ctx, func(string) error { return nil })
	return !errors.Is(err, cache.ErrNotLister)
}

// write changes something in every way that the store has.
func (l ledger) write(ctx context.Context, s cache.Store, round int) error {
	return errors.Join(
		l.put(ctx, s, fmt.Sprintf("new/%d", round), round),
		l.put(ctx, s, modKey, round),
		l.put(ctx, s, modKey, round+1), // in place of the other
		l.commit(ctx, s, fmt.Sprintf("committed/%d", round), round),
		l.commit(ctx, s, listKey, round),
		l.swap(ctx, s, round),
		l.delete(ctx, s, round),
	)
}

func (l ledger) put(ctx context.Context, s cache.Store, key string, version int) error {
	l[key] = version
	return putSample(ctx, s, key, version)
}

func (l ledger) commit(ctx context.Context, s cache.Store, key string, version int) error {
	spool := cache.SpoolFor(s, 0)
	defer spool.Close()
	if err := fill(spool, sample(key, version)); err != nil {
		return err
	}
	l[key] = version
	return cache.Commit(ctx, s, key, spool, sampleMeta(version))
}

func (l ledger) swap(ctx context.Context, s cache.Store, round int) error {
	sw, ok := s.(cache.Swapper)
	if !ok {
		return nil
	}
	var old []byte
	if version, ok := l[sharedKey]; ok {
		old = sample(sharedKey, version)
	}
	l[sharedKey] = round
	if err := sw.Swap(ctx, sharedKey, old, sample(sharedKey, round), sampleMeta(round)); err != nil {
		return fmt.Errorf("Swap: %w", err)
	}
	return nil
}

// delete deletes what was stored in an earlier round, if there is one, what this
// one has stored, and what this one has replaced.
func (l ledger) delete(ctx context.Context, s cache.Store, round int) error {
	d, ok := s.(cache.Deleter)
	if !ok {
		return nil
	}
	now, before := fmt.Sprintf("deleted/%d", round), fmt.Sprintf("new/%d", round-1)
	if err := l.put(ctx, s, now, round); err != nil {
		return err
	}
	var errs []error
	for _, key := range []string{now, before} {
		l[key] = gone
		errs = append(errs, d.Delete(ctx, key))
	}
	return errors.Join(errs...)
}
