package cache_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/breakwater-go/breakwater/cache"
)

const (
	modKey  = "example.com/!upper/mod/@v/v1.2.3.mod"
	listKey = "example.com/!upper/mod/@v/list"
)

func text(s string) cache.Content {
	return cache.Content{Size: int64(len(s)), Body: strings.NewReader(s)}
}

func put(t testing.TB, s cache.Store, key, content string) {
	t.Helper()
	if err := s.Put(t.Context(), key, text(content)); err != nil {
		t.Fatalf("Put(%q): %v", key, err)
	}
}

// get reads the entry under key and checks that its meta is that of its bytes.
func get(t testing.TB, s cache.Store, key string) (content, layer string) {
	t.Helper()
	e, err := s.Get(t.Context(), key)
	if err != nil {
		t.Fatalf("Get(%q): %v", key, err)
	}
	defer e.Body.Close()
	b, err := io.ReadAll(e.Body)
	if err != nil {
		t.Fatalf("Get(%q): reading Body: %v", key, err)
	}
	if e.Size != int64(len(b)) || e.Digest != sha256.Sum256(b) {
		t.Fatalf("Get(%q): Size %d and Digest %v are not those of %d bytes", key, e.Size, e.Digest, len(b))
	}
	return string(b), e.Layer
}

func wantContent(t testing.TB, s cache.Store, key, want string) {
	t.Helper()
	got, _ := get(t, s, key)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Get(%q) (-want +got):\n%s", key, diff)
	}
}

func wantMiss(t testing.TB, s cache.Store, key string) {
	t.Helper()
	e, err := s.Get(t.Context(), key)
	if err == nil {
		e.Body.Close()
		t.Errorf("Get(%q) found an entry, want a miss", key)
		return
	}
	var miss *cache.MissError
	if !errors.Is(err, fs.ErrNotExist) || !errors.As(err, &miss) {
		t.Errorf("Get(%q): %v (%T), want a miss", key, err, err)
	}
}

// stored reports whether s has an entry under key.
func stored(s cache.Store, key string) bool {
	e, err := s.Get(context.Background(), key)
	if err != nil {
		return false
	}
	e.Body.Close()
	return true
}

func TestMissError(t *testing.T) {
	reason := errors.New("the record is gone")
	for _, test := range []struct {
		err  *cache.MissError
		want string
	}{
		{&cache.MissError{Key: "a/b"}, "a/b: not in the cache"},
		{&cache.MissError{Key: "a/b", Err: reason}, "a/b: not in the cache: the record is gone"},
	} {
		if diff := cmp.Diff(test.want, test.err.Error()); diff != "" {
			t.Errorf("Error (-want +got):\n%s", diff)
		}
		if !errors.Is(test.err, fs.ErrNotExist) {
			t.Errorf("%v is not fs.ErrNotExist", test.err)
		}
		if got, want := errors.Is(test.err, reason), test.err.Err != nil; got != want {
			t.Errorf("%v unwraps to its reason: %t, want %t", test.err, got, want)
		}
	}
}

func TestDigest(t *testing.T) {
	var zero cache.Digest
	if !zero.IsZero() {
		t.Error("the zero Digest is not zero")
	}
	d := cache.Digest(sha256.Sum256(nil))
	if d.IsZero() {
		t.Error("the Digest of nothing is zero")
	}
	const want = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	if diff := cmp.Diff(want, d.String()); diff != "" {
		t.Errorf("String (-want +got):\n%s", diff)
	}
}
