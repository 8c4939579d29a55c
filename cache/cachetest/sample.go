package cachetest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"github.com/breakwater-go/breakwater/cache"
)

// sampleSize is the same for all samples, so that a store which tells content
// apart by its size is found out.
const sampleSize = 4 << 10

// sample returns content that names its key and version on every line: bytes of
// two samples never pass for those of one.
func sample(key string, version int) []byte {
	line := fmt.Sprintf(": version %d of %.200s (%d)\n", version, key, len(key))
	b := make([]byte, 0, sampleSize+len(line)+10)
	for i := int64(0); len(b) < sampleSize; i++ {
		b = append(strconv.AppendInt(b, i, 10), line...)
	}
	return b[:sampleSize]
}

// sampleMeta returns what goes with a sample. Its times have a zone that most
// encodings of time cannot write down, and nanoseconds.
func sampleMeta(version int) cache.Meta {
	zone := time.FixedZone("local mean time", 19*60+32)
	return cache.Meta{
		Fetched:  time.Unix(1700000000+int64(version), 123456789).In(zone),
		ModTime:  time.Unix(1600000000+int64(version), 987654321).In(zone),
		Origin:   originPrefix + strconv.Itoa(version),
		Verified: fmt.Sprintf("check-%d \"&<>\\ ü", version),
	}
}

const originPrefix = "https://mirror.example/"

// versionOf returns the version whose sample an entry says it is, or -1.
func versionOf(e *cache.Entry) int {
	number, ok := strings.CutPrefix(e.Origin, originPrefix)
	version, err := strconv.Atoi(number)
	if !ok || err != nil {
		return -1
	}
	return version
}

// contentOf wraps bytes for Put.
func contentOf(b []byte, meta cache.Meta) cache.Content {
	return cache.Content{Meta: meta, Size: int64(len(b)), Body: bytes.NewReader(b)}
}

func putSample(ctx context.Context, s cache.Store, key string, version int) error {
	if err := s.Put(ctx, key, contentOf(sample(key, version), sampleMeta(version))); err != nil {
		return fmt.Errorf("Put(%.100q): %w", key, err)
	}
	return nil
}

// putForGood also wants it written: a store that writes later refuses then what
// another refuses at once.
func putForGood(ctx context.Context, s cache.Store, key string, version int) error {
	if err := putSample(ctx, s, key, version); err != nil {
		return err
	}
	return cache.Flush(ctx, s)
}

// wantSample reports what is wrong if the entry is not that sample.
func wantSample(ctx context.Context, s cache.Store, key string, version int) error {
	return wantEntry(ctx, s, key, sample(key, version), sampleMeta(version))
}

func wantEntry(ctx context.Context, s cache.Store, key string, content []byte, meta cache.Meta) error {
	e, err := s.Get(ctx, key)
	if err != nil {
		return fmt.Errorf("Get(%.100q): %w", key, err)
	}
	defer e.Body.Close()
	if err := compare(e, content, meta); err != nil {
		return fmt.Errorf("Get(%.100q): %w", key, err)
	}
	return nil
}

// compare reads e to its end.
func compare(e *cache.Entry, content []byte, meta cache.Meta) error {
	got, err := io.ReadAll(e.Body)
	if err != nil {
		return fmt.Errorf("reading Body: %w", err)
	}
	var errs []error
	if !bytes.Equal(got, content) {
		errs = append(errs, fmt.Errorf("content is %.80q (%d bytes), want %.80q (%d bytes)",
			got, len(got), content, len(content)))
	}
	if e.Size != int64(len(content)) {
		errs = append(errs, fmt.Errorf("Size is %d, want %d", e.Size, len(content)))
	}
	if want := cache.Digest(sha256.Sum256(content)); e.Digest != want {
		errs = append(errs, fmt.Errorf("Digest is %v, want %v", e.Digest, want))
	}
	return errors.Join(append(errs, compareMeta(e.Meta, meta))...)
}

// compareMeta leaves out the digest, which compare has checked.
func compareMeta(got, want cache.Meta) error {
	var errs []error
	for _, t := range []struct {
		field     string
		got, want time.Time
	}{
		{"Fetched", got.Fetched, want.Fetched},
		{"ModTime", got.ModTime, want.ModTime},
	} {
		if !t.got.Equal(t.want) {
			errs = append(errs, fmt.Errorf("%s is %v, want %v", t.field, t.got, t.want))
		}
	}
	if got.Origin != want.Origin {
		errs = append(errs, fmt.Errorf("Origin is %q, want %q", got.Origin, want.Origin))
	}
	if got.Verified != want.Verified {
		errs = append(errs, fmt.Errorf("Verified is %q, want %q", got.Verified, want.Verified))
	}
	return errors.Join(errs...)
}

// wantMiss reports what is wrong if there is an entry, or if its absence is not
// told in the way of the contract.
func wantMiss(ctx context.Context, s cache.Store, key string) error {
	e, err := s.Get(ctx, key)
	if err == nil {
		e.Body.Close()
		return fmt.Errorf("Get(%.100q) found an entry, want a miss", key)
	}
	return missError(key, err)
}

func missError(key string, err error) error {
	if !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("Get(%.100q): %w, want a miss that is fs.ErrNotExist", key, err)
	}
	var miss *cache.MissError
	if !errors.As(err, &miss) {
		return fmt.Errorf("Get(%.100q): the error is a %T, want a *cache.MissError", key, err)
	}
	if miss.Key != key {
		return fmt.Errorf("Get(%.100q): the miss is of key %.100q", key, miss.Key)
	}
	return nil
}
