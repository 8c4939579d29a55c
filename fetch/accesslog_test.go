package fetch_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/fetch"
	"github.com/google/go-cmp/cmp"
)

// paths returns what the lines that were written so far are about.
func (l *logbook) paths() []string {
	var paths []string
	for _, line := range l.read() {
		paths = append(paths, line["path"].(string))
	}
	return paths
}

func TestAccessLogWritesInTheBackground(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var written logbook
		log := fetch.NewAccessLog(written.logger())
		for range 2 {
			log.Access(t.Context(), fetch.Access{Path: "/a"})
			time.Sleep(99 * time.Millisecond)
			log.Access(t.Context(), fetch.Access{Path: "/b"})
			if got := written.paths(); got != nil {
				t.Errorf("%q at once", got)
			}
			time.Sleep(time.Millisecond)
			synctest.Wait()
			if diff := cmp.Diff([]string{"/a", "/b"}, written.paths()); diff != "" {
				t.Errorf("after 100 ms (-want +got):\n%s", diff)
			}
		}
		log.Access(t.Context(), fetch.Access{Path: "/c"})
		if err := log.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff([]string{"/c"}, written.paths()); diff != "" {
			t.Errorf("at the end (-want +got):\n%s", diff)
		}
		log.Access(t.Context(), fetch.Access{Path: "/late"})
		if diff := cmp.Diff([]string{"/late"}, written.paths()); diff != "" {
			t.Errorf("after the end (-want +got):\n%s", diff)
		}
		if err := log.Close(t.Context()); err != nil {
			t.Errorf("closed again: %v", err)
		}
	})
}

// A line has the time of the answer, and not that of the writing.
func TestAccessLogHasTheTimeOfTheAnswer(t *testing.T) {
	var out strings.Builder
	log := fetch.NewAccessLog(slog.New(slog.NewTextHandler(&out, nil)))
	noon := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	log.Access(t.Context(), fetch.Access{Time: noon, Took: 5 * time.Second})
	if err := log.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(out.String(), "time=2026-03-04T12:00:05.000Z ") {
		t.Error(out.String())
	}
}

// A gate is a log that hangs until it is opened, and counts lines.
type gate struct {
	open  chan struct{}
	lines atomic.Int64
}

func (g *gate) Enabled(context.Context, slog.Level) bool { return true }
func (g *gate) WithAttrs([]slog.Attr) slog.Handler       { return g }
func (g *gate) WithGroup(string) slog.Handler            { return g }

func (g *gate) Handle(context.Context, slog.Record) error {
	<-g.open
	g.lines.Add(1)
	return nil
}

// What waits is bounded, and who finds it full writes the line himself.
func TestAccessLogThatHangs(t *testing.T) {
	for _, tt := range []struct {
		name, path string
		free       int // requests that do not wait while a line is being written
	}{
		{"many lines", "/x", 1024},
		{"long lines", strings.Repeat("x", 1<<19), 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := &gate{open: make(chan struct{})}
				log := fetch.NewAccessLog(slog.New(g))
				log.Access(t.Context(), fetch.Access{Path: "/first"})
				time.Sleep(100 * time.Millisecond)
				synctest.Wait() // it is being written
				all := tt.free + 9
				var ended atomic.Int64
				var requests sync.WaitGroup
				for range all {
					requests.Go(func() {
						log.Access(t.Context(), fetch.Access{Path: tt.path})
						ended.Add(1)
					})
				}
				synctest.Wait()
				if got := ended.Load(); got != int64(tt.free) {
					t.Errorf("%d requests did not wait, want %d", got, tt.free)
				}
				short, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				if err := log.Close(short); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("closed a log that hangs: %v", err)
				}
				close(g.open)
				requests.Wait()
				if err := log.Close(t.Context()); err != nil {
					t.Error(err)
				}
				if got := g.lines.Load(); got != int64(1+all) {
					t.Errorf("%d lines of %d requests", got, 1+all)
				}
			})
		})
	}
}

// Under load lines do not wait for their 100 ms, so that requests seldom write
// themselves.
func TestAccessLogOfManyRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var written logbook
		log := fetch.NewAccessLog(written.logger())
		defer log.Close(t.Context())
		for range 512 {
			log.Access(t.Context(), fetch.Access{Path: "/x"})
		}
		synctest.Wait()
		if got := len(written.paths()); got != 512 {
			t.Errorf("%d lines, want 512", got)
		}
	})
}

func TestAccessLogLosesNothing(t *testing.T) {
	var written logbook
	log := fetch.NewAccessLog(written.logger())
	var requests sync.WaitGroup
	for range 8 {
		requests.Go(func() {
			for range 1000 {
				log.Access(t.Context(), fetch.Access{Path: "/x"})
			}
		})
	}
	for range 3 { // also while requests come
		if err := log.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
	requests.Wait()
	if got := len(written.paths()); got != 8000 {
		t.Errorf("%d lines, want 8000", got)
	}
}
