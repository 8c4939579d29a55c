package prommetrics

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/google/go-cmp/cmp"
)

// A mount is a store in a file system that may hang.
type mount struct {
	cache.Store
	hangs atomic.Bool
}

func (m *mount) Get(ctx context.Context, key string) (*cache.Entry, error) {
	m.answer()
	return m.Store.Get(ctx, key)
}

func (m *mount) FileSystems(context.Context) ([]cache.FileSystem, error) {
	m.answer()
	return []cache.FileSystem{{Dir: "dir", Total: 100, Free: 10}}, nil
}

func (m *mount) answer() {
	if m.hangs.Load() {
		time.Sleep(10 * time.Second)
	}
}

// A file system that hangs costs one scrape half a second and the next ones nothing;
// when it is well again it is seen again.
func TestFileSystemThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &mount{Store: cache.NewMemory(nil)}
		all := fileSystems{"dir": gated(m)}
		defer all.close()
		for _, step := range []struct {
			name  string
			hangs bool
			pause time.Duration
			seen  int
			took  time.Duration
		}{
			{"well", false, 0, 1, 0},
			{"hangs", true, 0, 0, slowLook},
			{"is left alone", true, 0, 0, 0},
			{"is tried again", true, 2 * lookPause, 0, slowLook},
			{"is well, and not tried yet", false, 0, 0, 0},
			{"is well again", false, 2 * lookPause, 1, 0},
		} {
			m.hangs.Store(step.hangs)
			time.Sleep(step.pause)
			begun := time.Now()
			got := struct {
				Seen int
				Took time.Duration
			}{len(all.look()), time.Since(begun)}
			want := got
			want.Seen, want.Took = step.seen, step.took
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", step.name, diff)
			}
		}
	})
}

// Directories whose names are no text, and become the same one, have one series: two
// would fail the whole scrape.
func TestDirectoriesOfOneName(t *testing.T) {
	below := map[string]cache.FileSystem{
		"a":     {Total: 500, Free: 50},
		"b\xff": {Total: 100, Free: 20},
		"b\xfe": {Total: 300, Free: 10},
		"b\xfd": {Total: 200, Free: 30},
	}
	want := map[string]cache.FileSystem{"a": {Total: 500, Free: 50}, "b\uFFFD": {Total: 300, Free: 10}}
	if diff := cmp.Diff(want, byDirectory(below)); diff != "" {
		t.Errorf("by directory (-want +got):\n%s", diff)
	}
}
