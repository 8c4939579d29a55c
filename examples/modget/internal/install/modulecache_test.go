package install_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/breakwater-go/breakwater/examples/internal/fixture"
	"github.com/breakwater-go/breakwater/examples/modget/internal/install"
	"github.com/breakwater-go/breakwater/examples/modget/internal/install/installtest"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/verify"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/module"
)

// What a project's go.sum lists is all that its build needs where there is no
// network, with the go command's default of -mod=readonly. Neither is the checksum
// database there for what go.sum lists.
func TestBuildWithoutNetwork(t *testing.T) {
	w := newWorld(t, modules())
	zips, mods := []module.Version{hello, dep}, []module.Version{deep, hello0}
	goSum := w.goSum(t, zips, mods)
	if err := os.RemoveAll(filepath.Join(w.bundle, "sumdb")); err != nil {
		t.Fatal(err)
	}
	opts := w.options()
	var err error
	if opts.GoSum, err = verify.ReadGoSum(goSum); err != nil {
		t.Fatal(err)
	}
	var told []install.Installed
	opts.Done = func(i install.Installed) { told = append(told, i) }
	all, err := install.ModuleCache(t.Context(), zips, mods, opts)
	if err != nil {
		t.Fatal(err)
	}
	downloads := filepath.Join(w.cache, "cache", "download", "example.com")
	want := []install.Installed{
		{Module: hello, GoMod: filepath.Join(downloads, "hello/@v/v1.1.0.mod"), Dir: filepath.Join(w.cache, "example.com/hello@v1.1.0")},
		{Module: dep, GoMod: filepath.Join(downloads, "dep/@v/v0.1.0.mod"), Dir: filepath.Join(w.cache, "example.com/dep@v0.1.0")},
		{Module: deep, GoMod: filepath.Join(downloads, "deep/@v/v0.2.0.mod")},
		{Module: hello0, GoMod: filepath.Join(downloads, "hello/@v/v1.0.0.mod")},
	}
	if diff := cmp.Diff(want, all); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(all, told); diff != "" {
		t.Errorf("Done was told others (-returned +told):\n%s", diff)
	}

	g := fixture.NewGoCommand(t, "off", "GOMODCACHE="+w.cache, "GOFLAGS=-modcacherw", "GOSUMDB=sum.golang.org", "GONOSUMDB=")
	g.Write(t, "go.mod", "module example.com/work\n\ngo 1.21\n\nrequire (\n\texample.com/hello v1.1.0\n\texample.com/dep v0.1.0 // indirect\n)\n")
	g.Write(t, "work.go", "package work\n\nimport _ \"example.com/hello\"\n")
	sums, err := os.ReadFile(goSum)
	if err != nil {
		t.Fatal(err)
	}
	g.Write(t, "go.sum", string(sums))
	g.Run(t, "build", "./...")
	g.Run(t, "mod", "verify")
}

// Names are the go command's, with its default permissions, and the checksum
// database's records come from the bundle.
func TestModuleCacheIsTheGoCommands(t *testing.T) {
	w := newWorld(t, modules())
	all, err := install.ModuleCache(t.Context(), []module.Version{shout, hello0, hello}, nil, w.options())
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"example.com/!shout@v1.0.0-!r!c.1/shout.go",
		"example.com/hello@v1.0.0/go.mod",
		"example.com/hello@v1.0.0/hello.go",
		"example.com/hello@v1.1.0/go.mod",
		"example.com/hello@v1.1.0/greet/greet.go",
		"example.com/hello@v1.1.0/hello.go",
	}
	if diff := cmp.Diff(want, tree(t, w.cache, "cache/")); diff != "" {
		t.Errorf("GOMODCACHE (-want +got):\n%s", diff)
	}
	if len(all) != 3 {
		t.Errorf("outcomes: %v", all)
	}
}

// What the user has set by `go env -w` says where modules go, that they are read-only
// there, and that the checksum database is not to be asked. Nothing else of it counts.
func TestSettingsAreTheUsers(t *testing.T) {
	w := newWorld(t, modules())
	if err := os.RemoveAll(filepath.Join(w.bundle, "sumdb")); err != nil {
		t.Fatal(err)
	}
	settings := filepath.Join(t.TempDir(), "env")
	write(t, settings, "GOMODCACHE="+w.cache+"\nGOPRIVATE=example.com\nGOPROXY=off\nGONOPROXY=example.com\nGOFLAGS=-modfile=other.mod\n")
	for name, value := range map[string]string{"GOENV": settings, "GOMODCACHE": "", "GOPROXY": "", "GOFLAGS": "", "GONOPROXY": "example.com"} {
		t.Setenv(name, value)
	}
	all, err := install.ModuleCache(t.Context(), []module.Version{hello0}, nil, &install.ModuleCacheOptions{Cache: w.bundle})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Chmod(all[0].Dir, 0o777) }) // or it could not be removed
	if want := filepath.Join(w.cache, "example.com/hello@v1.0.0"); all[0].Dir != want {
		t.Errorf("installed as %s, want %s", all[0].Dir, want)
	}
	info, err := os.Stat(all[0].Dir)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm()&0o222 != 0 {
		t.Errorf("%v: want a directory that is read-only", info.Mode())
	}
}

// Another call installs what is missing, and nothing else.
func TestModuleCacheGoesOn(t *testing.T) {
	w := newWorld(t, modules())
	zip := filepath.Join(w.bundle, "example.com/hello/@v/v1.1.0.zip")
	if err := os.Rename(zip, zip+".away"); err != nil {
		t.Fatal(err)
	}
	_, err := install.ModuleCache(t.Context(), []module.Version{hello0, hello}, []module.Version{deep}, w.options())
	if e, ok := errors.AsType[*install.GoError](err); !ok || e.Module != hello {
		t.Fatalf("without the zip: %v", err)
	}
	mark := filepath.Join(w.cache, "example.com/hello@v1.0.0/mark")
	write(t, mark, "")
	if err := os.Rename(zip+".away", zip); err != nil {
		t.Fatal(err)
	}
	if _, err := install.ModuleCache(t.Context(), []module.Version{hello0, hello}, []module.Version{deep}, w.options()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(mark); err != nil {
		t.Errorf("what was there has been written anew: %v", err)
	}
}

// The go command ends at the first checksum that is wrong; that costs no other
// module its place.
func TestWrongChecksumIsItsModulesAlone(t *testing.T) {
	w := newWorld(t, modules())
	forged := installtest.New(t, installtest.Modules{dep: {"go.mod": "module example.com/dep\n", "dep.go": "package forged\n"}}).Bundle(t)
	name := "example.com/dep/@v/v0.1.0.zip"
	if err := os.Rename(filepath.Join(forged, name), filepath.Join(w.bundle, name)); err != nil {
		t.Fatal(err)
	}
	all, err := install.ModuleCache(t.Context(), []module.Version{hello, dep, deep, shout}, nil, w.options())
	if e, ok := errors.AsType[*install.GoError](err); !ok || e.Module != dep || !strings.Contains(e.Text, "mismatch") {
		t.Errorf("got %v", err)
	}
	got := map[module.Version]bool{}
	for _, i := range all {
		got[i.Module] = i.Err == nil
	}
	if diff := cmp.Diff(map[module.Version]bool{hello: true, dep: false, deep: true, shout: true}, got); diff != "" {
		t.Errorf("what is installed (-want +got):\n%s", diff)
	}
}

// Any number of modules is installed, whatever fits a command line.
func TestManyModules(t *testing.T) {
	many := installtest.Modules{}
	var names []module.Version
	for i := range 300 {
		m := installtest.M(fmt.Sprintf("example.com/%s%d", strings.Repeat("long/", 16), i), "v1.0.0")
		many[m] = map[string]string{"a.go": "package a\n"}
		names = append(names, m)
	}
	w := newWorld(t, many)
	all, err := install.ModuleCache(t.Context(), names, nil, w.options())
	if err != nil {
		t.Fatal(err)
	}
	for i, m := range names {
		if all[i].Module != m {
			t.Fatalf("outcome %d is %v's", i, all[i].Module)
		}
	}
}

// What cannot be done is one error of its own type, which says what to do.
func TestModuleCacheFailures(t *testing.T) {
	w := newWorld(t, modules())
	file := filepath.Join(t.TempDir(), "file")
	write(t, file, "")
	canceled, cancel := context.WithCancelCause(t.Context())
	interrupted := errors.New("interrupted")
	cancel(interrupted)
	for name, tt := range map[string]struct {
		ctx     context.Context
		modules []module.Version
		mods    []module.Version
		opts    install.ModuleCacheOptions
		is      func(error) bool
	}{
		"no go command": {
			opts: install.ModuleCacheOptions{Cache: w.bundle, Go: "no-such-go"},
			is:   isA[*install.NoGoError],
		},
		"a file is in the way of GOMODCACHE": {
			opts: install.ModuleCacheOptions{Cache: w.bundle, Dir: filepath.Join(file, "mod")},
			is:   isA[*install.NotWritableError],
		},
		"no cache directory is named": {
			is: func(err error) bool { return strings.Contains(err.Error(), "no cache directory") },
		},
		"a module that is not in the cache": {
			modules: []module.Version{installtest.M("example.com/missing", "v1.0.0")},
			opts:    *w.options(),
			is:      isA[*install.GoError],
		},
		"a go.mod file that is not in the cache": {
			mods: []module.Version{installtest.M("example.com/missing", "v1.0.0")},
			opts: *w.options(),
			is:   func(err error) bool { return upstream.ClassOf(err) == upstream.NotFound },
		},
		"a version query": {
			modules: []module.Version{installtest.M("example.com/hello", "latest")},
			opts:    *w.options(),
			is:      func(err error) bool { return upstream.ClassOf(err) == upstream.NotFound },
		},
		"interrupted": {
			ctx:     canceled,
			modules: []module.Version{hello},
			opts:    *w.options(),
			is:      func(err error) bool { return errors.Is(err, interrupted) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			ctx := tt.ctx
			if ctx == nil {
				ctx = t.Context()
			}
			_, err := install.ModuleCache(ctx, tt.modules, tt.mods, &tt.opts)
			if err == nil || !tt.is(err) {
				t.Fatalf("got %v", err)
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("more than one line: %v", err)
			}
		})
	}
}

func isA[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}
