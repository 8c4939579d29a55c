package fetch_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/fetch/internal/origin"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/verify"
	"github.com/google/go-cmp/cmp"
)

const pinnedMod, pinnedZip = "example.com/hello/@v/v1.0.0.mod", "example.com/hello/@v/v1.0.0.zip"

// pin is a go.sum file that lists these hashes for example.com/hello v1.0.0.
func pin(t *testing.T, modHash, zipHash string) *verify.GoSum {
	t.Helper()
	g, err := verify.ParseGoSum("go.sum", []byte("example.com/hello v1.0.0/go.mod "+modHash+"\nexample.com/hello v1.0.0 "+zipHash+"\n"))
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func wrongPin(t *testing.T) *verify.GoSum { return pin(t, "h1:wrong=", "h1:wrong=") }

// pinTo is a go.sum file that lists what this go.mod file hashes to.
func pinTo(t *testing.T, mod string) *verify.GoSum {
	t.Helper()
	hash, err := verify.HashMod(strings.NewReader(mod))
	if err != nil {
		t.Fatal(err)
	}
	return pin(t, hash, "h1:unused=")
}

// sharedStores are ways in which several Clients have one store.
var sharedStores = map[string]func(t *testing.T) func(*fetch.Options){
	"a directory": func(t *testing.T) func(*fetch.Options) {
		dir := t.TempDir()
		return func(o *fetch.Options) { o.CacheDir, o.MemoryBytes = dir, -1 }
	},
	"memory": func(t *testing.T) func(*fetch.Options) {
		store := cache.NewMemory(nil)
		return func(o *fetch.Options) { o.Store = store }
	},
	"layers": func(t *testing.T) func(*fetch.Options) {
		store := cache.Layered(cache.NewMemory(nil), openDisk(t, t.TempDir()))
		return func(o *fetch.Options) { o.Store = store }
	},
}

func openDisk(t *testing.T, dir string) *cache.Disk {
	t.Helper()
	disk, err := cache.OpenDisk(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { disk.Close() })
	return disk
}

// A go.sum that lists another hash refuses the file to those who have that go.sum, whose
// error tells both hashes, and leaves it in the store to everybody else.
func TestWrongGoSumTakesNothingFromOthers(t *testing.T) {
	pins := map[string]func(*fetch.Options, *verify.GoSum){
		"GoSum":    func(o *fetch.Options, g *verify.GoSum) { o.GoSum = g },
		"Verifier": func(o *fetch.Options, g *verify.GoSum) { o.Verifier = g },
	}
	for storeName, newStore := range sharedStores {
		for pinName, set := range pins {
			for _, database := range []bool{true, false} {
				name := storeName + ", " + pinName
				if database {
					name += ", and a checksum database"
				}
				t.Run(name, func(t *testing.T) {
					o := newOrigin(t)
					opts := proxyOptions(serve(t, o))
					if database {
						opts.Go.GOSUMDB = o.VerifierKey
					}
					newStore(t)(&opts)
					wrong := opts
					set(&wrong, wrongPin(t))
					testWrongPin(t, o, newClient(t, opts), newClient(t, wrong))
				})
			}
		}
	}
}

func testWrongPin(t *testing.T, o *origin.Origin, good, wrong *fetch.Client) {
	for _, key := range []string{pinnedMod, pinnedZip} {
		readKey(t, good, key)
		flush(t, good)
		for range 2 {
			wantMismatch(t, wrong, key)
		}
		o.Asked()
		if got := readKey(t, good, key); got != string(o.File(key)) {
			t.Errorf("%s is not the true one", key)
		}
		if asked := o.Asked(); len(asked) > 0 {
			t.Errorf("%s was in the store, and for it the source was asked for %v", key, asked)
		}
	}
}

// wantMismatch checks that a file is refused with both hashes.
func wantMismatch(t *testing.T, c *fetch.Client, key string) *upstream.Error {
	t.Helper()
	req, err := upstream.ParsePath("/" + key)
	if err != nil {
		t.Fatal(err)
	}
	_, err = upstream.ReadAll(t.Context(), c, req)
	mismatch, ok := errors.AsType[*verify.MismatchError](err)
	if !ok || upstream.ClassOf(err) != upstream.Untrusted {
		t.Fatalf("%s: got %v, want untrusted with a mismatch", key, err)
	}
	if !strings.HasPrefix(mismatch.Got, "h1:") || !slices.Equal(mismatch.Want, []string{"h1:wrong="}) ||
		!strings.Contains(err.Error(), mismatch.Got) || !strings.Contains(err.Error(), mismatch.Want[0]) {
		t.Errorf("%s: got %v, want both hashes", key, err)
	}
	return upstream.AsError(err, req, "")
}

// That no source answers, or may be asked, does not hide that what is stored is refused.
func TestWrongGoSumWhileNoSourceAnswers(t *testing.T) {
	for _, offline := range []bool{false, true} {
		o := newOrigin(t)
		opts := proxyOptions(serve(t, o))
		opts.Store = cache.NewMemory(nil)
		good := newClient(t, opts)
		readKey(t, good, pinnedMod)
		flush(t, good)
		o.Fail(origin.Status(503))
		opts.GoSum, opts.Offline = wrongPin(t), offline
		err := wantMismatch(t, newClient(t, opts), pinnedMod)
		var statuses []int
		for _, a := range err.Attempts {
			statuses = append(statuses, a.Status)
		}
		want := []int{0, 503} // the stored file's, the source's
		if offline {
			want = nil
		}
		if diff := cmp.Diff(want, statuses); diff != "" {
			t.Errorf("offline %v: statuses of all who failed (-want +got):\n%s", offline, diff)
		}
		if !holds(opts.Store, pinnedMod) {
			t.Errorf("offline %v: it is gone from the store", offline)
		}
	}
}

// Who has a go.sum that lists another file gets that, if a source has it, and it is not
// stored in place of the file that others have. Only the checksum database has what
// a go.sum vouched for replaced.
func TestWhoseFileIsStored(t *testing.T) {
	const other = goMod + "// another\n"
	o := newOrigin(t)
	truth := string(o.File(pinnedMod))
	url := serve(t, o)
	byDatabase := func(opts *fetch.Options) {
		opts.Go = &fetch.GoSettings{GOPROXY: url, GOSUMDB: o.VerifierKey}
	}
	byNobody := func(opts *fetch.Options) { opts.Go = &fetch.GoSettings{GOPROXY: url} }
	byGoSum := func(mod string) func(*fetch.Options) {
		return func(opts *fetch.Options) {
			opts.GoSum = pinTo(t, mod)
			opts.Upstream = &scripted{answer: func(context.Context, upstream.Request) (string, error) { return mod, nil }}
		}
	}
	tests := []struct {
		name          string
		first, second func(*fetch.Options)
		gets, stored  string // what the second gets, and what is stored then
	}{
		{"a go.sum after nobody", byNobody, byGoSum(other), other, truth},
		{"a go.sum after the database", byDatabase, byGoSum(other), other, truth},
		{"a go.sum after another", byGoSum(truth), byGoSum(other), other, truth},
		{"the database after a go.sum", byGoSum(other), byDatabase, truth, truth},
		{"the same from a go.sum after nobody", byNobody, byGoSum(truth), truth, truth},
	}
	for _, tt := range tests {
		for storeName, newStore := range sharedStores {
			t.Run(tt.name+", "+storeName, func(t *testing.T) {
				var first, second, anybody fetch.Options
				share := newStore(t)
				for opts, set := range map[*fetch.Options]func(*fetch.Options){&first: tt.first, &second: tt.second, &anybody: byNobody} {
					share(opts)
					set(opts)
				}
				a, b := newClient(t, first), newClient(t, second)
				readKey(t, a, pinnedMod)
				flush(t, a)
				for range 2 {
					if got := readKey(t, b, pinnedMod); got != tt.gets {
						t.Errorf("the second got %q", got)
					}
				}
				flush(t, b)
				anybody.Offline = true
				if got := readKey(t, newClient(t, anybody), pinnedMod); got != tt.stored {
					t.Errorf("the store has %q, want %q", got, tt.stored)
				}
			})
		}
	}
}

// What nobody vouched for, and the Verifier says is wrong, goes, whether or not there is a
// better one to be had; what a go.sum vouched for goes only if it might be handed out
// all the same.
func TestWhatTheVerifierDrops(t *testing.T) {
	tests := []struct {
		name          string
		first         *verify.GoSum
		whenReachable bool
		want          bool // it is still there
	}{
		{"stored by nobody's word", nil, false, false},
		{"stored by a go.sum", pinTo(t, goMod), false, true},
		{"stored by nobody's word, to be verified when reachable", nil, true, false},
		{"stored by a go.sum, to be verified when reachable", pinTo(t, goMod), true, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			source := &scripted{answer: func(context.Context, upstream.Request) (string, error) { return goMod, nil }}
			opts := fetch.Options{Upstream: source, Store: cache.NewMemory(nil), GoSum: tt.first}
			first := newClient(t, opts)
			readKey(t, first, pinnedMod)
			flush(t, first)
			v := &vouching{mod: goMod + "// another\n"}
			v.up.Store(true)
			opts.GoSum, opts.Verifier, opts.WhenReachable = nil, v, tt.whenReachable
			_, err := upstream.ReadAll(t.Context(), newClient(t, opts), request(t, upstream.Mod, "example.com/hello", "v1.0.0"))
			if upstream.ClassOf(err) != upstream.Untrusted {
				t.Errorf("got %v, want untrusted", err)
			}
			if got := holds(opts.Store, pinnedMod); got != tt.want {
				t.Errorf("it is still there: %v, want %v", got, tt.want)
			}
		})
	}
}

// A file that rots in a way which the store did not notice is dropped by whoever
// does, whatever Verifier that is, and fetched again.
func TestRottenFileIsFetchedAgain(t *testing.T) {
	o := newOrigin(t)
	dir := t.TempDir()
	opts := proxyOptions(serve(t, o))
	opts.Store = openDisk(t, dir)
	careless := newClient(t, opts)
	readKey(t, careless, pinnedMod)
	flush(t, careless)
	rot(t, filepath.Join(dir, filepath.FromSlash(pinnedMod)))
	wrong := opts
	wrong.GoSum = wrongPin(t)
	wantMismatch(t, newClient(t, wrong), pinnedMod)
	if holds(opts.Store, pinnedMod) {
		t.Error("the rotten file is still there")
	}
	if got := readKey(t, careless, pinnedMod); got != string(o.File(pinnedMod)) {
		t.Errorf("after that: %q", got)
	}
}

// rot changes a byte of a file as a disk does, which changes no time.
func rot(t *testing.T, name string) {
	t.Helper()
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteAt([]byte("#"), info.Size()-2)
	if err := errors.Join(err, f.Close(), os.Chtimes(name, info.ModTime(), info.ModTime())); err != nil {
		t.Fatal(err)
	}
}

// What is kept apart until the Verifier can be asked is not for a go.sum to drop that
// belongs to somebody else, and stays there for those who wait.
func TestGoSumLeavesWhatIsKeptApart(t *testing.T) {
	const other = goMod + "// another\n"
	for name, sums := range map[string]*verify.GoSum{
		"it lists another hash": wrongPin(t),
		"it lists nothing":      new(verify.GoSum),
	} {
		t.Run(name, func(t *testing.T) {
			source := &scripted{answer: func(context.Context, upstream.Request) (string, error) { return goMod, nil }}
			store := cache.NewMemory(nil)
			opts := fetch.Options{Upstream: source, Store: store, Verifier: &vouching{mod: other}, WhenReachable: true}
			readKey(t, newClient(t, opts), pinnedMod)
			opts.Verifier = sums
			c := newClient(t, opts)
			if _, err := upstream.ReadAll(t.Context(), c, request(t, upstream.Mod, "example.com/hello", "v1.0.0")); err == nil {
				t.Error("no error")
			}
			if !holds(store, "unverified/"+pinnedMod) {
				t.Error("what was kept apart is gone")
			}
		})
	}
}
