package gocmd_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/upstream/gocmd"
	"github.com/google/go-cmp/cmp"
)

// TestTurns: who runs, of those who came in this order and stay.
func TestTurns(t *testing.T) {
	for _, test := range []struct {
		name string
		most int
		come string // modules, as host/module
		want string // those that run, and after the semicolon who does once the first one has ended
	}{
		{"as many as may", 2, "a/1 b/1 c/1", "a/1 b/1; b/1 c/1"},
		{"half of them for one host", 4, "a/1 a/2 a/3 a/4 b/1 c/1", "a/1 a/2 b/1 c/1; a/2 a/3 b/1 c/1"},
		{"half of an odd number", 5, "a/1 a/2 a/3 b/1", "a/1 a/2 b/1; a/2 a/3 b/1"},
		{"one at least", 1, "a/1 a/2 b/1", "a/1; a/2"},
		{"a host that hangs is passed by", 2, "a/1 a/2 a/3 b/1 b/2", "a/1 b/1; a/2 b/1"},
		{"one per module", 8, "a/1 a/1 a/2 a/1", "a/1 a/2; a/1 a/2"},
		{"the longest wait is over first", 2, "a/1 b/1 b/2 a/2 c/1", "a/1 b/1; a/2 b/1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLine(t, test.most)
				for path := range strings.FieldsSeq(test.come) {
					l.join(path)
				}
				before := l.who()
				l.end(0)
				if got := before + "; " + l.who(); got != test.want {
					t.Errorf("%q run, want %q", got, test.want)
				}
				l.endAll()
			})
		})
	}
}

// TestTurnsAreLeft: one that gives up while it waits takes no place, also in the
// end.
func TestTurnsAreLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := gocmd.NewTurns(1)
		end, err := turns.Take(t.Context(), "a", "a/1")
		if err != nil {
			t.Fatal(err)
		}
		why := errors.New("enough")
		ctx, cancel := context.WithCancelCause(t.Context())
		var waiting sync.WaitGroup
		waiting.Go(func() {
			if _, err := turns.Take(ctx, "b", "b/1"); !errors.Is(err, why) {
				t.Errorf("the error is %v, want the cause", err)
			}
		})
		synctest.Wait()
		cancel(why)
		waiting.Wait()
		end()
		if _, err := turns.Take(t.Context(), "c", "c/1"); err != nil {
			t.Error(err)
		}
	})
}

// A line is requests that take turns, in a bubble of synctest.
type line struct {
	t      *testing.T
	take   func(ctx context.Context, host, module string) (func(), error)
	ctx    context.Context
	cancel func()

	mu      sync.Mutex
	running []string
	ends    []chan struct{}
	all     sync.WaitGroup
}

func newLine(t *testing.T, most int) *line {
	l := &line{t: t, take: gocmd.NewTurns(most).Take}
	l.ctx, l.cancel = context.WithCancel(t.Context())
	return l
}

// join returns when the request runs, or waits.
func (l *line) join(path string) {
	host, _, _ := strings.Cut(path, "/")
	end := make(chan struct{})
	l.ends = append(l.ends, end)
	l.all.Go(func() {
		giveBack, err := l.take(l.ctx, host, path)
		if err != nil {
			return // the test is over
		}
		l.mu.Lock()
		l.running = append(l.running, path)
		l.mu.Unlock()
		<-end
		l.mu.Lock()
		i := slices.Index(l.running, path)
		l.running = slices.Delete(l.running, i, i+1)
		l.mu.Unlock()
		giveBack()
	})
	synctest.Wait()
}

func (l *line) who() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(slices.Sorted(slices.Values(l.running)), " ")
}

func (l *line) end(i int) {
	close(l.ends[i])
	l.ends[i] = nil
	synctest.Wait()
}

func (l *line) endAll() {
	l.cancel()
	for i, end := range l.ends {
		if end != nil {
			l.end(i)
		}
	}
	l.all.Wait()
}

// TestHostThatHangs: its modules do not keep others from being fetched.
func TestHostThatHangs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.populate(t)
	arrived := make(chan struct{}, 8)
	for _, path := range []string{"a", "b", "c"} {
		w.handle("evil.corp.example/"+path, func(_ http.ResponseWriter, r *http.Request) {
			arrived <- struct{}{}
			<-r.Context().Done()
		})
	}
	s := w.source(t, func(o *gocmd.Options) { o.Concurrency = 2 })
	ctx, cancel := context.WithCancel(t.Context())
	var hanging sync.WaitGroup
	for _, path := range []string{"a", "b", "c"} {
		hanging.Go(func() {
			_, err := s.Fetch(ctx, request(t, upstream.List, "evil.corp.example/"+path, ""))
			if upstream.ClassOf(err) != upstream.Canceled {
				t.Errorf("the error is %v, want canceled", err)
			}
		})
	}
	<-arrived
	mustGet(t, s, request(t, upstream.List, "git.corp.example/mono.git", ""))
	cancel()
	hanging.Wait()
}

// TestProgressIsQueued: what takes long here is neither silence nor slowness.
func TestProgressIsQueued(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.populate(t)
	arrived, goOn := make(chan struct{}, 8), make(chan struct{})
	w.handle("go.corp.example/slow", func(rw http.ResponseWriter, r *http.Request) {
		arrived <- struct{}{}
		<-goOn
		http.NotFound(rw, r)
	})
	s := w.source(t, nil)
	ctx, p := upstream.WithProgress(t.Context())
	var fetching sync.WaitGroup
	fetching.Go(func() { s.Fetch(ctx, request(t, upstream.List, "go.corp.example/slow", "")) })
	<-arrived
	if p.Waited() != 0 || p.Begun() {
		t.Errorf("during the command: waited %v, begun %v, want neither", p.Waited(), p.Begun())
	}
	close(goOn)
	fetching.Wait()
	if p.Waited() != 0 || p.Begun() {
		t.Errorf("after a failure: waited %v, begun %v, want neither", p.Waited(), p.Begun())
	}
	ctx, p = upstream.WithProgress(t.Context())
	if err := drain(ctx, s, request(t, upstream.List, "go.corp.example/lib", "")); err != nil {
		t.Fatal(err)
	}
	if p.Waited() != 0 || !p.Begun() {
		t.Errorf("with an answer: waited %v, begun %v, want only that it has begun", p.Waited(), p.Begun())
	}
}

func TestPart(t *testing.T) {
	t.Parallel()
	var s upstream.Parted = newWorld(t).source(t, nil)
	tile, err := upstream.NewSumDBRequest("sum.golang.org", "tile/8/0/000")
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{"": s.Part(tile)}
	for _, path := range []string{"go.corp.example/lib", "go.corp.example", "git.corp.example/mono.git/tools"} {
		got[path] = s.Part(request(t, upstream.List, path, ""))
	}
	want := map[string]string{
		"": "", "go.corp.example/lib": "go.corp.example", "go.corp.example": "go.corp.example",
		"git.corp.example/mono.git/tools": "git.corp.example",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("parts by module (-want +got):\n%s", diff)
	}
}

// TestOneCloneForAll: what is asked for at the same time of one version is cloned
// once.
func TestOneCloneForAll(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.populate(t)
	s := w.source(t, func(o *gocmd.Options) { o.Concurrency = 8 })
	var all sync.WaitGroup
	for _, k := range []upstream.Kind{upstream.Info, upstream.Mod, upstream.Zip} {
		all.Go(func() {
			if err := drain(t.Context(), s, request(t, k, "go.corp.example/lib", "v1.0.0")); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	// A clone makes five, and what comes after it may ask for the list of refs
	// again. Three clones would make 15.
	if n := strings.Count(fmt.Sprint(w.requests()), "POST "); n > 7 {
		t.Errorf("%d transfers, want those of one clone", n)
	}
}

// TestOneCloneForARepository: the modules of one repository share a clone, too.
func TestOneCloneForARepository(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.populate(t)
	s := w.source(t, nil)
	transfers := func(path, version string) int {
		w.requests()
		mustGet(t, s, request(t, upstream.Zip, path, version))
		return strings.Count(fmt.Sprint(w.requests()), "POST ")
	}
	cloned := transfers("git.corp.example/mono.git", "v0.1.0")
	if shared := transfers("git.corp.example/mono.git/tools", "v0.2.0"); shared >= cloned { // it is the same commit
		t.Errorf("%d transfers for the second module, and %d for the first one with the clone", shared, cloned)
	}
}

func TestRepositoryRoot(t *testing.T) {
	for _, test := range []struct{ path, origin, want string }{
		{"a.b/mono/tools", `{"Subdir":"tools"}`, "a.b/mono"},
		{"a.b/mono", `{"URL":"https://a.b/mono"}`, "a.b/mono"},
		{"a.b/mono/x/y/v3", `{"Subdir":"x/y"}`, "a.b/mono"},
		{"a.b/mono/x/v3", `{"Subdir":"x/v3"}`, "a.b/mono"},
		{"a.b/mono/v2", `{}`, "a.b/mono"},
		{"a.b/other", `{"Subdir":"in/the/repository"}`, "a.b/other"}, // by its page
		{"a.b/x", ``, "a.b/x"},
	} {
		if got := gocmd.RepositoryRoot(test.path, []byte(test.origin)); got != test.want {
			t.Errorf("the root of %s with %s is %s, want %s", test.path, test.origin, got, test.want)
		}
	}
}
