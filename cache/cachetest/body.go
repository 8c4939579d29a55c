package cachetest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing/iotest"

	"github.com/breakwater-go/breakwater/cache"
)

func checkBody(ctx context.Context, s cache.Store) error {
	for _, content := range [][]byte{sample(modKey, 1)[:100], {'x'}, {}} {
		if err := s.Put(ctx, modKey, contentOf(content, sampleMeta(1))); err != nil {
			return fmt.Errorf("Put: %w", err)
		}
		for range 2 {
			e, err := s.Get(ctx, modKey)
			if err != nil {
				return fmt.Errorf("Get: %w", err)
			}
			if err := errors.Join(iotest.TestReader(e.Body, content), e.Body.Close()); err != nil {
				return fmt.Errorf("Body of %d bytes: %w", len(content), err)
			}
		}
	}
	return checkBodiesApart(ctx, s)
}

// checkBodiesApart reads two bodies of one entry by turns: each has its own
// offset, and closing one leaves the other open.
func checkBodiesApart(ctx context.Context, s cache.Store) error {
	if err := putSample(ctx, s, listKey, 1); err != nil {
		return err
	}
	one, err := s.Get(ctx, listKey)
	if err != nil {
		return fmt.Errorf("Get: %w", err)
	}
	two, err := s.Get(ctx, listKey)
	if err != nil {
		return errors.Join(fmt.Errorf("Get: %w", err), one.Body.Close())
	}
	if _, err := one.Body.Seek(sampleSize/2, io.SeekStart); err != nil {
		return fmt.Errorf("Seek: %w", err)
	}
	if _, err := io.ReadFull(one.Body, make([]byte, 10)); err != nil {
		return fmt.Errorf("Read: %w", err)
	}
	if err := one.Body.Close(); err != nil {
		return fmt.Errorf("Close: %w", err)
	}
	if err := compare(two, sample(listKey, 1), sampleMeta(1)); err != nil {
		return fmt.Errorf("an entry whose twin was read and closed: %w", err)
	}
	return two.Body.Close()
}

// checkBodyOutlives reads the beginning of an entry, changes what is stored,
// and reads the rest.
func checkBodyOutlives(ctx context.Context, s cache.Store) error {
	changes := map[string]func(key string) error{
		"replaced": func(key string) error { return putSample(ctx, s, key, 2) },
	}
	if d, ok := s.(cache.Deleter); ok {
		changes["deleted"] = func(key string) error { return d.Delete(ctx, key) }
	}
	for name, change := range changes {
		if err := readAcross(ctx, s, name+"/entry", change); err != nil {
			return fmt.Errorf("an entry that was %s meanwhile: %w", name, err)
		}
	}
	return nil
}

func readAcross(ctx context.Context, s cache.Store, key string, change func(string) error) error {
	if err := putSample(ctx, s, key, 1); err != nil {
		return err
	}
	e, err := s.Get(ctx, key)
	if err != nil {
		return fmt.Errorf("Get: %w", err)
	}
	defer e.Body.Close()
	if _, err := io.ReadFull(e.Body, make([]byte, sampleSize/2)); err != nil {
		return fmt.Errorf("reading the first half: %w", err)
	}
	if err := change(key); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, e.Body); err != nil {
		return fmt.Errorf("reading the second half: %w", err)
	}
	if _, err := e.Body.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("Seek: %w", err)
	}
	return compare(e, sample(key, 1), sampleMeta(1))
}
