package inspect_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/breakwater-go/breakwater/examples/modget/internal/inspect"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/module"
)

// All that is in a tree is found, in every layout, also names with upper-case
// letters and Go toolchains.
func TestSoundTrees(t *testing.T) {
	w := newWorld(t)
	for name, tt := range map[string]struct {
		dir  string
		want inspect.Report
	}{
		"GOMODCACHE: zip, .ziphash, go.mod and directory": {w.moduleCache(t), inspect.Report{Checked: 12, OK: 12}},
		"a cache of Breakwater's: zip and go.mod":         {w.source.Bundle(t), inspect.Report{Checked: 6, OK: 6}},
		"unpacked directories":                            {w.directory(t), inspect.Report{Checked: 3, OK: 3}},
	} {
		t.Run(name, func(t *testing.T) {
			told := 0
			report, err := inspect.Tree(t.Context(), tt.dir, &inspect.Options{
				Verifier: w.database(t),
				Progress: func(inspect.Finding) { told++ },
			})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(&tt.want, report, cmp.Transformer("brief", briefs)); diff != "" {
				t.Errorf("the report (-want +got):\n%s", diff)
			}
			if told != report.Checked {
				t.Errorf("Progress was told %d findings of %d", told, report.Checked)
			}
		})
	}
}

// Each change is found where it was made, and nothing else is.
func TestWhatIsWrong(t *testing.T) {
	w := newWorld(t)
	sound := w.moduleCache(t)
	const (
		downloads = "cache/download/example.com/hello/@v/v1.1.0."
		dir       = "example.com/hello@v1.1.0"
	)
	for name, tt := range map[string]struct {
		do   func(t *testing.T, name func(string) string)
		want []brief
	}{
		"a byte of a zip": {func(t *testing.T, name func(string) string) {
			zip := read(t, name(downloads+"zip"))
			zip[len(zip)/2] ^= 1
			write(t, name(downloads+"zip"), zip)
		}, []brief{{hello, downloads + "zip", inspect.Damaged}}},
		"a zip that was cut": {func(t *testing.T, name func(string) string) {
			zip := read(t, name(downloads+"zip"))
			write(t, name(downloads+"zip"), zip[:len(zip)-30])
		}, []brief{{hello, downloads + "zip", inspect.Damaged}}},
		"an empty zip": {func(t *testing.T, name func(string) string) {
			write(t, name(downloads+"zip"), nil)
		}, []brief{{hello, downloads + "zip", inspect.Damaged}}},
		"another module's zip": {func(t *testing.T, name func(string) string) {
			write(t, name(downloads+"zip"), read(t, name("cache/download/example.com/!shout/@v/v1.0.0-!r!c.1.zip")))
		}, []brief{{hello, downloads + "zip", inspect.Mismatch}}},
		"a .ziphash file": {func(t *testing.T, name func(string) string) {
			write(t, name(downloads+"ziphash"), []byte("h1:AAAA="))
		}, []brief{{hello, downloads + "ziphash", inspect.Mismatch}}},
		"a go.mod file": {func(t *testing.T, name func(string) string) {
			write(t, name(downloads+"mod"), []byte("module example.com/hello\n\ngo 1.21\n"))
		}, []brief{{hello, downloads + "mod", inspect.Mismatch}}},
		"an unpacked file": {func(t *testing.T, name func(string) string) {
			write(t, name(dir+"/greet/greet.go"), []byte("package greet\n\nfunc init() { panic(1) }\n"))
		}, []brief{{hello, dir, inspect.Modified}}},
		"one more unpacked file": {func(t *testing.T, name func(string) string) {
			write(t, name(dir+"/greet/more.go"), nil)
		}, []brief{{hello, dir, inspect.Modified}}},
		"a file whose name no module can have": {func(t *testing.T, name func(string) string) {
			write(t, name(dir+"/two\nlines"), nil)
		}, []brief{{hello, dir, inspect.Modified}}},
		"an unpacked file is gone": {func(t *testing.T, name func(string) string) {
			remove(t, name(dir+"/hello.go"))
		}, []brief{{hello, dir, inspect.Modified}}},
		"an unpacked file is a link to the same": {func(t *testing.T, name func(string) string) {
			write(t, name("hello.go"), read(t, name(dir+"/hello.go")))
			remove(t, name(dir+"/hello.go"))
			link(t, "../../hello.go", name(dir+"/hello.go"))
		}, []brief{{hello, dir, inspect.Modified}}},
		"a toolchain": {func(t *testing.T, name func(string) string) {
			write(t, name("golang.org/toolchain@v0.0.1-go1.99.0.linux-amd64/bin/go"), []byte("another"))
		}, []brief{{toolchain, "golang.org/toolchain@v0.0.1-go1.99.0.linux-amd64", inspect.Modified}}},
		"a toolchain's go.mod file": {func(t *testing.T, name func(string) string) {
			write(t, name("golang.org/toolchain@v0.0.1-go1.99.0.linux-amd64/src/go.mod"), []byte("module another\n"))
		}, []brief{{toolchain, "golang.org/toolchain@v0.0.1-go1.99.0.linux-amd64", inspect.Modified}}},
		"links that lead out of the tree": {func(t *testing.T, name func(string) string) {
			outside := filepath.Join(t.TempDir(), "outside")
			write(t, outside, read(t, name(downloads+"zip")))
			remove(t, name(downloads+"zip"))
			link(t, outside, name(downloads+"zip"))
			link(t, filepath.Dir(outside), name("example.org"))
		}, []brief{{hello, downloads + "zip", inspect.Unreadable}, {module.Version{}, "example.org", inspect.Unreadable}}},
		"a directory has a zip's name": {func(t *testing.T, name func(string) string) {
			remove(t, name(downloads+"zip"))
			write(t, name(downloads+"zip/file"), nil)
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			tree := t.TempDir()
			if err := os.CopyFS(tree, os.DirFS(sound)); err != nil {
				t.Fatal(err)
			}
			tt.do(t, func(name string) string { return filepath.Join(tree, filepath.FromSlash(name)) })
			report, err := inspect.Tree(t.Context(), tree, &inspect.Options{Verifier: w.database(t)})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, briefs(report.Findings)); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
			for _, f := range report.Findings {
				if line := f.String(); !strings.HasPrefix(line, f.File+": "+f.Verdict.String()) || strings.Contains(line, "\n") {
					t.Errorf("a finding is told as %q", line)
				}
			}
		})
	}
}

// What is of no concern to the go command changes nothing: files of others, what
// it left when it was killed, what it makes of a toolchain that is used, and links
// within the tree.
func TestWhatIsNotWrong(t *testing.T) {
	w := newWorld(t)
	tree := w.moduleCache(t)
	name := func(name string) string { return filepath.Join(tree, filepath.FromSlash(name)) }
	const zip = "cache/download/example.com/hello/@v/v1.1.0.zip"
	foreign := []string{
		"README", "cache/lock", "cache/vcs/0123/HEAD", "cache/vcs/example.com/hello/@v/v1.1.0.zip", ".DS_Store", ".hidden/example.com/hello/@v/v1.0.0.zip",
		"cache/download/example.com/hello/@v/v1.1.0.lock", zip + "123.tmp", "cache/download/example.com/hello/@v/main.zip",
		"cache/download/example.com/half/@v/v1.0.0.partial", "example.com/half@v1.0.0/half.go", "example.com/not@version/file.zip",
		"cache/download/sumdb/sum.example.com/lookup/example.com/hello@v1.1.0",
	}
	for _, f := range foreign {
		write(t, name(f), []byte("whatever"))
	}
	write(t, name("golang.org/toolchain@v0.0.1-go1.99.0.linux-amd64/src/go.mod"), []byte("module std\n"))
	write(t, name("golang.org/toolchain@v0.0.1-go1.99.0.linux-amd64/src/cmd/go.mod"), []byte("module cmd\n"))
	for _, dir := range []string{"cache/vcs", ".hidden", "cache/download/sumdb"} {
		link(t, t.TempDir(), name(dir+"/link"))
	}
	write(t, name("elsewhere"), read(t, name(zip)))
	remove(t, name(zip))
	link(t, "../../../../../elsewhere", name(zip))
	report, err := inspect.Tree(t.Context(), tree, &inspect.Options{Verifier: w.database(t), Jobs: 1})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&inspect.Report{Checked: 12, OK: 12}, report, cmp.Transformer("brief", briefs)); diff != "" {
		t.Errorf("the report (-want +got):\n%s", diff)
	}
}

// That the database cannot be asked says nothing of a file. What is damaged, or is
// not what the go command noted, is still found.
func TestDatabaseUnavailable(t *testing.T) {
	w := newWorld(t)
	tree := w.moduleCache(t)
	w.source.Close()
	const zip = "cache/download/example.com/hello/@v/v1.1.0.zip"
	write(t, filepath.Join(tree, zip), read(t, filepath.Join(tree, zip))[:100])
	write(t, filepath.Join(tree, "example.com/!shout@v1.0.0-!r!c.1/more.go"), nil)
	report, err := inspect.Tree(t.Context(), tree, &inspect.Options{Verifier: w.database(t)})
	if err != nil {
		t.Fatal(err)
	}
	if report.Checked != 12 || report.Unavailable != 10 || report.Bad != 2 {
		t.Errorf("got %+v", report)
	}
	bad := slices.DeleteFunc(briefs(report.Findings), func(b brief) bool { return !b.Verdict.IsBad() })
	want := []brief{{hello, zip, inspect.Damaged}, {shout, "example.com/!shout@v1.0.0-!r!c.1", inspect.Modified}}
	if diff := cmp.Diff(want, bad); diff != "" {
		t.Errorf("what is bad (-want +got):\n%s", diff)
	}
	for _, f := range report.Findings {
		if f.Verdict == inspect.Unavailable && f.Err == nil {
			t.Errorf("%s: nothing says why", f.File)
		}
	}
}

// A go.sum file that lists a go.mod file does not vouch for the zip.
func TestGoSum(t *testing.T) {
	w := newWorld(t)
	report, err := inspect.Tree(t.Context(), w.source.Bundle(t), &inspect.Options{Verifier: w.goSum(t)})
	if err != nil {
		t.Fatal(err)
	}
	if report.OK != 1 || report.Unknown != 5 || report.Checked != 6 {
		t.Errorf("got %+v", report)
	}
}

// Nobody is asked about what is exempt; only what the go command noted counts.
// Toolchains cannot be exempt.
func TestExempt(t *testing.T) {
	w := newWorld(t)
	tree := w.moduleCache(t)
	write(t, filepath.Join(tree, "example.com/hello@v1.1.0/more.go"), nil)
	database := &asked{Verifier: w.database(t), paths: map[string]bool{}}
	report, err := inspect.Tree(t.Context(), tree, &inspect.Options{Verifier: database, Jobs: 1, Exempt: func(string) bool { return true }})
	if err != nil {
		t.Fatal(err)
	}
	if report.Exempt != 7 || report.OK != 4 || report.Bad != 1 {
		t.Errorf("got %+v", report)
	}
	if diff := cmp.Diff(map[string]bool{toolchain.Path: true}, database.paths); diff != "" {
		t.Errorf("asked about (-want +got):\n%s", diff)
	}
}

// What is no tree of modules is an error that says what is wanted.
func TestNothingThere(t *testing.T) {
	w := newWorld(t)
	project := t.TempDir()
	write(t, filepath.Join(project, "go.mod"), []byte("module example.com/work\n"))
	link(t, t.TempDir(), filepath.Join(project, "link"))
	for name, tt := range map[string]struct {
		dir string
		is  func(error) bool
	}{
		"an empty directory":  {t.TempDir(), isNoModules},
		"a project":           {project, isNoModules},
		"no directory at all": {filepath.Join(project, "missing"), func(err error) bool { return errors.Is(err, os.ErrNotExist) }},
		"a file":              {filepath.Join(project, "go.mod"), func(err error) bool { return strings.Contains(err.Error(), "go.mod") }},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := inspect.Tree(t.Context(), tt.dir, &inspect.Options{Verifier: w.database(t)})
			if err == nil || !tt.is(err) {
				t.Errorf("got %v", err)
			}
		})
	}
	if _, err := inspect.Tree(t.Context(), w.source.Bundle(t), &inspect.Options{}); err == nil {
		t.Error("a tree was verified against nothing")
	}
}

func isNoModules(err error) bool {
	_, ok := errors.AsType[*inspect.NoModulesError](err)
	return ok
}

// An interruption ends the walk; what was verified before is told, and what was not
// is not called bad or unavailable.
func TestInterrupted(t *testing.T) {
	w := newWorld(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	interrupted := errors.New("interrupted")
	report, err := inspect.Tree(ctx, w.moduleCache(t), &inspect.Options{
		Verifier: &interrupting{Verifier: w.database(t), after: 3, interrupt: func() { cancel(interrupted) }},
		Jobs:     1,
	})
	if !errors.Is(err, interrupted) {
		t.Errorf("got %v", err)
	}
	if diff := cmp.Diff(&inspect.Report{Checked: 3, OK: 3}, report); diff != "" {
		t.Errorf("the report (-want +got):\n%s", diff)
	}
}

// Of very many findings the first are kept, and all are counted.
func TestManyFindings(t *testing.T) {
	w := newWorld(t)
	tree := t.TempDir()
	for i := range inspect.MaxFindings + 5 {
		write(t, filepath.Join(tree, "example.com/many/@v", fmt.Sprintf("v1.0.%d.mod", i)), []byte("module example.com/many\n"))
	}
	report, err := inspect.Tree(t.Context(), tree, &inspect.Options{Verifier: w.goSum(t)})
	if err != nil {
		t.Fatal(err)
	}
	if report.Unknown != inspect.MaxFindings+5 || len(report.Findings) != inspect.MaxFindings || report.Omitted != 5 {
		t.Errorf("%d unknown, %d findings, %d omitted", report.Unknown, len(report.Findings), report.Omitted)
	}
	if class := upstream.ClassOf(report.Findings[0].Err); class != upstream.Denied {
		t.Errorf("class %v", class)
	}
}
