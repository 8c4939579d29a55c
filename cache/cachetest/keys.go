package cachetest

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/breakwater-go/breakwater/cache"
)

// checkInvalidKeys puts under keys that every store refuses. A store that
// took them might be led out of its directory.
func checkInvalidKeys(ctx context.Context, s cache.Store) error {
	var errs []error
	for _, key := range []string{
		"", ".", "..", "/", "/a", "a/", "a//b", "./a", "../a", "a/..", "a/./b", "a/../b", "a/../../b",
		".breakwater/x", ".breakwater/records/a.json",
		"a\x00b", "a\nb", "a\x7fb", `a\b`, `..\a`, "a\xffb",
	} {
		if err := s.Put(ctx, key, contentOf(sample(key, 1), sampleMeta(1))); err == nil {
			errs = append(errs, fmt.Errorf("Put(%q) succeeded", key))
		}
		errs = append(errs, wantMiss(ctx, s, key))
		if d, ok := s.(cache.Deleter); ok {
			d.Delete(ctx, key) // may fail, must not panic
		}
	}
	// Nor may they have hit what a careless store would have made of them.
	for _, key := range []string{"a", "b", "a/b", "x"} {
		errs = append(errs, wantMiss(ctx, s, key))
	}
	return errors.Join(errs...)
}

// checkLongKeys puts under keys that are valid but more than a file system
// takes. A store may refuse them, and must not take one for another.
func checkLongKeys(ctx context.Context, s cache.Store) error {
	keys := []string{
		strings.Repeat("k", 5000),
		strings.Repeat("k", 5001),
		strings.Repeat(strings.Repeat("k", 200)+"/", 25) + "k",
		strings.Repeat("k", 254), // a name that has no room for a suffix
	}
	stored := make(map[string]bool)
	for _, key := range keys {
		stored[key] = putForGood(ctx, s, key, 1) == nil
	}
	var errs []error
	for _, key := range keys {
		found, err := wantSomeVersion(ctx, s, key, 1)
		if stored[key] && !found {
			err = fmt.Errorf("Get(%.10q, %d long) after a Put that succeeded is a miss", key, len(key))
		}
		errs = append(errs, err)
	}
	for _, key := range keys {
		if d, ok := s.(cache.Deleter); ok {
			errs = append(errs, d.Delete(ctx, key), wantMiss(ctx, s, key))
		}
	}
	return errors.Join(errs...)
}

// checkNestedKeys puts under keys of which one is a directory of the other, or
// of what a store might keep beside it. A store may refuse the second.
func checkNestedKeys(ctx context.Context, s cache.Store) error {
	var errs []error
	for i, keys := range [][]string{
		{"up/a", "up/a/b", "up/a/b/c"},
		{"down/a/b/c", "down/a/b", "down/a"},
		{"record/a", "record/a.json", "record/a.json/b", "record/a.json.json"},
		{"drocer/a.json/b", "drocer/a.json", "drocer/a"},
		{"Case/a", "case/a", "case/A"},
	} {
		stored := make(map[string]bool)
		for _, key := range keys {
			stored[key] = putForGood(ctx, s, key, i) == nil
		}
		if !stored[keys[0]] {
			errs = append(errs, fmt.Errorf("Put(%q) failed though nothing was in its way", keys[0]))
		}
		for _, key := range keys {
			e, err := s.Get(ctx, key)
			switch {
			case err == nil:
				errs = append(errs, compare(e, sample(key, i), sampleMeta(i)), e.Body.Close())
			case stored[key]:
				errs = append(errs, fmt.Errorf("Get(%q) after a Put that succeeded: %w", key, err))
			default:
				errs = append(errs, missError(key, err))
			}
		}
	}
	return errors.Join(errs...)
}
