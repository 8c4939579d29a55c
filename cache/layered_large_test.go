package cache_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/breakwater-go/breakwater/cache"
)

// A large file is stored on the local disk and on the shared one, and comes to the
// local one also from there.
func TestLargeContentIsNear(t *testing.T) {
	const zipKey = "example.com/m/@v/v1.0.0.zip"
	large := strings.Repeat("0123456789abcdef", 1<<16*9) // 9 MiB
	local, shared := t.TempDir(), t.TempDir()
	layers := func() cache.Store {
		return cache.Layered(cache.NewMemory(nil), openDisk(t, local), openDisk(t, shared))
	}
	s := layers()
	spool := filled(t, cache.SpoolFor(s, 1000), large)
	defer spool.Close()
	if err := cache.Commit(t.Context(), s, zipKey, spool, cache.Meta{}); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{local, shared} {
		if info, err := os.Stat(filepath.Join(dir, zipKey)); err != nil || info.Size() != int64(len(large)) {
			t.Errorf("after it was stored: %v", err)
		}
	}
	if err := os.RemoveAll(filepath.Join(local, filepath.Dir(zipKey))); err != nil {
		t.Fatal(err)
	}
	s = layers()
	wantContent(t, s, zipKey, large)
	if _, err := os.Stat(filepath.Join(local, zipKey)); err != nil {
		t.Errorf("after it was read from the shared disk: %v", err)
	}
	if e, err := s.Get(t.Context(), zipKey); err != nil {
		t.Error(err)
	} else if file, ok := e.Body.(*os.File); !ok || !strings.HasPrefix(file.Name(), local) {
		t.Errorf("it is read from %T", e.Body)
	} else {
		e.Body.Close()
	}
}
