package fetch_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/fetch/internal/origin"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/module"
)

// failingStore stores nothing.
type failingStore struct {
	cache.Store
	err error
}

func (s failingStore) Put(context.Context, string, cache.Content) error { return s.err }

// unstoredBy returns those errors in err that are of files that were not stored.
func unstoredBy(err error) []*fetch.UnstoredError {
	if one, ok := err.(*fetch.UnstoredError); ok {
		return []*fetch.UnstoredError{one}
	}
	var all []*fetch.UnstoredError
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, one := range joined.Unwrap() {
			all = append(all, unstoredBy(one)...)
		}
	}
	return all
}

// Whoever imports is told by the store's own error why a file is not in the store, and
// what to do; not that it does not exist, nor that the bundle is to blame.
func TestImportIntoAFailingStore(t *testing.T) {
	o := chaosOrigin(t, "public.example", 34)
	bundle := exported(t, fetch.Options{Upstream: newMirror("mirror", o, 1).overSockets(t), Go: &fetch.GoSettings{GOSUMDB: o.VerifierKey}})
	for _, tt := range []struct {
		name   string
		err    error
		advice string
	}{
		{"full", &fs.PathError{Op: "write", Path: "file", Err: syscall.ENOSPC}, "make room there"},
		{"beyond the quota", syscall.EDQUOT, "make room there"},
		{"not permitted", &fs.PathError{Op: "open", Path: "file", Err: syscall.EACCES}, "let this user write there"},
		{"read only", syscall.EROFS, "name a place that can be written to"},
		{"broken", syscall.EIO, "the system's log"},
		{"too small", cache.ErrTooLarge, "raise the bound"},
		{"odd", errors.New("odd"), "could not be stored: odd"},
		{"silent", nil, "the store took it and does not have it"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newClient(t, fetch.Options{
				Upstream: upstream.Off(), Store: failingStore{cache.NewMemory(nil), tt.err},
				Go: &fetch.GoSettings{GOSUMDB: o.VerifierKey},
			})
			n, err := c.Import(t.Context(), bundle)
			if n != 6 || !errors.Is(err, tt.err) && tt.err != nil || errors.Is(err, fs.ErrNotExist) {
				t.Errorf("of %d files: %v", n, err)
			}
			got := unstoredBy(err)
			if len(got) != 6 || len(got) > 0 && (!strings.Contains(got[0].Error(), tt.advice) || !strings.HasPrefix(got[0].Error(), got[0].Key)) {
				t.Errorf("the errors are %v", got)
			}
			if strings.Contains(err.Error(), "the bundle lacks") {
				t.Errorf("the bundle is blamed: %v", err)
			}
		})
	}
}

// lockDir makes a directory that nothing can be made in by whoever is not root.
func lockDir(t *testing.T, dir string) {
	t.Helper()
	if os.Geteuid() == 0 {
		t.Skip("root may write anywhere")
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o555); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Chmod(dir, 0o777) })
}

// A bundle whose proofs cannot be stored is of no use to whoever has nothing else,
// though all of its files are there.
func TestExportWithoutItsProofs(t *testing.T) {
	o := newOrigin(t)
	files, err := fetch.ModuleFiles(module.Version{Path: "example.com/hello", Version: "v1.0.0"})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name  string
		block func(t *testing.T, proofs string)
		want  error
	}{
		{"a file in the way", func(t *testing.T, proofs string) { writeFile(t, proofs) }, syscall.ENOTDIR},
		{"no right to write", func(t *testing.T, proofs string) { lockDir(t, proofs) }, fs.ErrPermission},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			tt.block(t, filepath.Join(dir, "sumdb"))
			opts := proxyOptions(serve(t, o))
			opts.Go.GOSUMDB = o.VerifierKey
			err := newClient(t, opts).Export(t.Context(), dir, files)
			got := unstoredBy(err)
			if !errors.Is(err, tt.want) || len(got) == 0 || !strings.HasPrefix(got[0].Key, "sumdb/"+origin.DatabaseName) {
				t.Fatalf("the error is %v", err)
			}
			if diff := cmp.Diff(dir, got[0].Dir); diff != "" {
				t.Errorf("the directory (-want +got):\n%s", diff)
			}
		})
	}
}

func writeFile(t *testing.T, name string) {
	t.Helper()
	if err := os.WriteFile(name, nil, 0o666); err != nil {
		t.Fatal(err)
	}
}
