package cachetest

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/breakwater-go/breakwater/cache"
)

// allInMemory is more memory than a spool of samples needs.
const allInMemory = 1 << 20

// A committer is one of the ways in which a spool becomes an entry.
type committer func(ctx context.Context, key string, spool *cache.Spool, meta cache.Meta) error

func checkCommit(ctx context.Context, s cache.Store) error {
	return checkCommitter(ctx, s, func(ctx context.Context, key string, spool *cache.Spool, meta cache.Meta) error {
		return cache.Commit(ctx, s, key, spool, meta)
	})
}

func checkMover(ctx context.Context, s cache.Store) error {
	m, ok := s.(cache.Mover)
	if !ok {
		return nil
	}
	return checkCommitter(ctx, s, m.Move)
}

func checkCommitter(ctx context.Context, s cache.Store, commit committer) error {
	for name, newSpool := range map[string]func() *cache.Spool{
		"memory spool":                      func() *cache.Spool { return cache.SpoolFor(s, allInMemory) },
		"file spool":                        func() *cache.Spool { return cache.SpoolFor(s, 0) },
		"file spool that is not of a store": func() *cache.Spool { return cache.NewSpool(0) },
	} {
		err := errors.Join(
			commitWithReaders(ctx, s, name+"/readers", newSpool(), commit),
			commitAgain(ctx, s, name+"/again", newSpool(), commit),
			commitUnfinished(ctx, s, name+"/unfinished", newSpool, commit),
		)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func fill(spool *cache.Spool, content []byte) error {
	if _, err := spool.Write(content); err != nil {
		return fmt.Errorf("writing the spool: %w", err)
	}
	if err := spool.Finish(); err != nil {
		return fmt.Errorf("finishing the spool: %w", err)
	}
	return nil
}

// commitWithReaders replaces an entry while readers are somewhere in the spool
// that replaces it. They read on, also when the spool's owner has closed it.
func commitWithReaders(ctx context.Context, s cache.Store, key string, spool *cache.Spool, commit committer) error {
	defer spool.Close()
	if err := putSample(ctx, s, key, 1); err != nil {
		return err
	}
	content := sample(key, 2)
	if err := fill(spool, content); err != nil {
		return err
	}
	begun, fresh := spool.Reader(ctx), spool.Reader(ctx)
	defer begun.Close()
	defer fresh.Close()
	if _, err := io.ReadFull(begun, make([]byte, sampleSize/2)); err != nil {
		return fmt.Errorf("reading the spool: %w", err)
	}
	if err := commit(ctx, key, spool, sampleMeta(2)); err != nil {
		return err
	}
	late := spool.Reader(ctx)
	defer late.Close()
	return errors.Join(
		wantSample(ctx, s, key, 2),
		spool.Close(),
		wantRest(begun, content[sampleSize/2:]),
		wantRest(fresh, content),
		wantRest(late, content),
		wantSample(ctx, s, key, 2),
	)
}

func wantRest(r io.Reader, want []byte) error {
	got, err := io.ReadAll(r)
	if err != nil {
		return fmt.Errorf("a reader of the spool after it was committed: %w", err)
	}
	if string(got) != string(want) {
		return fmt.Errorf("a reader of the spool after it was committed got %.80q (%d bytes), want %.80q (%d bytes)",
			got, len(got), want, len(want))
	}
	return nil
}

// commitAgain commits a spool after a commit that failed, and once more under
// another key.
func commitAgain(ctx context.Context, s cache.Store, key string, spool *cache.Spool, commit committer) error {
	defer spool.Close()
	content, meta := sample(key, 1), sampleMeta(1)
	if err := fill(spool, content); err != nil {
		return err
	}
	if err := commit(ctx, "../"+key, spool, meta); err == nil {
		return errors.New("a commit under an invalid key succeeded")
	}
	for _, k := range []string{key + "/1", key + "/2"} {
		if err := commit(ctx, k, spool, meta); err != nil {
			return fmt.Errorf("%s: %w", k, err)
		}
	}
	return errors.Join(
		spool.Close(),
		wantEntry(ctx, s, key+"/1", content, meta),
		wantEntry(ctx, s, key+"/2", content, meta),
	)
}

// commitUnfinished commits what is not a whole download.
func commitUnfinished(ctx context.Context, s cache.Store, key string, newSpool func() *cache.Spool, commit committer) error {
	var errs []error
	for name, end := range map[string]func(*cache.Spool){
		"growing": func(*cache.Spool) {},
		"failed":  func(spool *cache.Spool) { spool.Fail(io.ErrUnexpectedEOF) },
		"closed":  func(spool *cache.Spool) { spool.Close() },
	} {
		spool := newSpool()
		if _, err := spool.Write(sample(key, 1)); err != nil {
			return fmt.Errorf("writing the spool: %w", err)
		}
		end(spool)
		if err := commit(ctx, key, spool, sampleMeta(1)); err == nil {
			errs = append(errs, fmt.Errorf("a commit of a spool that is %s succeeded", name))
		}
		errs = append(errs, wantMiss(ctx, s, key), spool.Close())
	}
	return errors.Join(errs...)
}

func checkSpooler(ctx context.Context, s cache.Store) error {
	sp, ok := s.(cache.Spooler)
	if !ok {
		return nil
	}
	content := sample(modKey, 1)
	for _, memory := range []int64{-1, 0, sampleSize - 1, sampleSize, allInMemory} {
		spool := sp.NewSpool(memory)
		defer spool.Close()
		if err := fill(spool, content); err != nil {
			return err
		}
		if _, inMemory := spool.Bytes(); inMemory != (sampleSize <= memory) {
			return fmt.Errorf("NewSpool(%d) holds %d bytes in memory: %t", memory, sampleSize, inMemory)
		}
		r := spool.Reader(ctx)
		defer r.Close()
		if err := wantRest(r, content); err != nil {
			return err
		}
	}
	return wantMiss(ctx, s, modKey) // a spool is no entry yet
}
