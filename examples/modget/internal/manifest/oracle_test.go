package manifest_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/breakwater-go/breakwater/examples/internal/fixture"
	"github.com/breakwater-go/breakwater/examples/modget/internal/manifest"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// source is of a package and not of a program, which would have the runtime
// compiled.
const source = `package w

import (
	_ "a.example/a"
	_ "d.example/d"
)
`

const require = "\nrequire (\n\ta.example/a v1.0.0\n\td.example/d v1.0.0\n)\n"

// tidied returns a project in which the real go command was run.
func tidied(t *testing.T, tree string, files map[string]string, commands ...string) *fixture.GoCommand {
	t.Helper()
	project := t.TempDir()
	for name, content := range files {
		write(t, filepath.Join(project, name), content)
	}
	g := newProject(t, tree, project)
	for _, command := range commands {
		g.Run(t, strings.Fields(command)...)
	}
	return g
}

func read(t *testing.T, g *fixture.GoCommand, name string) manifest.Manifest {
	t.Helper()
	m, err := manifest.Read(filepath.Join(g.Dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// What a go.mod file wants, with the go.sum file beside it, is enough for the real
// go command to download, build, list and vendor without a network. The modules are
// those that it downloads itself.
func TestGoModIsWhatTheGoCommandNeeds(t *testing.T) {
	tree := newTree(t)
	tests := []struct {
		name, mod string
		all       bool // "go mod download" gets what nothing imports, too
	}{
		{"go 1.21", "go 1.21\n" + require, false},
		{"go 1.16", "go 1.16\n" + require, true},
		{"replaced by a module", "go 1.21\n" + require + "replace b.example/b => fork.example/b v1.5.0\n", false},
		{"replaced by a directory", "go 1.21\n" + require + "replace b.example/b v1.0.0 => ./b\n", false},
		{"go 1.16 replaced by a directory", "go 1.16\n" + require + "replace b.example/b v1.0.0 => ./b\n", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			with := tidied(t, tree, map[string]string{
				"go.mod":   "module work.example/w\n\n" + tt.mod,
				"w.go":     source,
				"b/go.mod": "module b.example/b\n\ngo 1.21\n\nrequire c.example/c v0.2.0\n",
				"b/b.go":   "package b\n\nimport _ \"c.example/c\"\n",
			}, "mod tidy")
			m := read(t, with, "go.mod")
			without := newProject(t, carried(t, m, tree), with.Dir)
			builds(t, without)
			if tt.all {
				return
			}
			without.Run(t, "mod", "download")
			needs(t, m, without)
		})
	}
}

func builds(t *testing.T, g *fixture.GoCommand, packages ...string) {
	t.Helper()
	g.Run(t, append([]string{"build", "-mod=readonly", "./..."}, packages...)...)
	g.Run(t, append([]string{"list", "-mod=readonly", "-deps", "-test", "./..."}, packages...)...)
	g.Run(t, "mod", "graph")
	if len(packages) == 0 {
		g.Run(t, "mod", "vendor")
	}
}

// needs compares what a manifest wants with what the go command has fetched. The
// go.mod files may be more: which it reads depends on what it is asked.
func needs(t *testing.T, m manifest.Manifest, g *fixture.GoCommand) {
	t.Helper()
	got := fetched(t, g)
	if diff := cmp.Diff(got.Modules, m.Modules); diff != "" {
		t.Errorf("modules: -the go command's +ours:\n%s", diff)
	}
	if diff := cmp.Diff(m.Add(got), m, wantedOnly); diff != "" {
		t.Errorf("it needs more than we want:\n%s", diff)
	}
}

// wantedOnly compares what is downloaded.
var wantedOnly = cmp.Options{cmpopts.IgnoreFields(manifest.Manifest{}, "Sums", "Skipped"), cmpopts.EquateEmpty()}

// The go.sum file alone wants no less.
func TestGoSumIsEnoughForTheGoCommand(t *testing.T) {
	tree := newTree(t)
	for _, line := range []string{"go 1.16", "go 1.21"} {
		t.Run(line, func(t *testing.T) {
			with := tidied(t, tree, map[string]string{"go.mod": "module work.example/w\n\n" + line + require, "w.go": source}, "mod tidy")
			builds(t, newProject(t, carried(t, read(t, with, "go.sum"), tree), with.Dir))
		})
	}
}

// workspace is two modules, of which the second requires the first.
var workspace = map[string]string{
	"go.work":    "go 1.21\n\nuse ./one\nuse ./two\n\nreplace t.example/t => ./t\n",
	"one/go.mod": "module work.example/one\n\ngo 1.21\n\nrequire a.example/a v1.0.0\n",
	"one/one.go": "package one\n\nimport _ \"a.example/a\"\n",
	"two/go.mod": "module work.example/two\n\ngo 1.21\n\nrequire d.example/d v1.0.0\n\nrequire work.example/one v0.0.0\nreplace work.example/one => ../one\n",
	"two/two.go": "package two\n\nimport (\n\t_ \"d.example/d\"\n\t_ \"work.example/one\"\n)\n",
	"t/go.mod":   "module t.example/t\n",
	"t/t.go":     "package t\n",
}

// A workspace builds with what its go.work file wants, and each module of it alone.
func TestGoWorkIsEnoughForTheGoCommand(t *testing.T) {
	tree := newTree(t)
	with := tidied(t, tree, workspace, "work sync", "-C one mod tidy", "-C two mod tidy", "mod download")
	m := read(t, with, "go.work")
	without := newProject(t, carried(t, m, tree), with.Dir)
	without.Run(t, "build", "./one", "./two")
	without.Run(t, "list", "-deps", "-test", "./one", "./two")
	without.Run(t, "mod", "graph")
	without.Run(t, "work", "vendor")

	alone := newProject(t, carried(t, m, tree), with.Dir)
	if err := os.Remove(filepath.Join(alone.Dir, "go.work")); err != nil {
		t.Fatal(err)
	}
	alone.Run(t, "-C", "one", "build", "./...")
}

// The modules that the real go command vendors are those that a modules.txt file
// wants.
func TestVendored(t *testing.T) {
	tree := newTree(t)
	with := tidied(t, tree, map[string]string{
		"go.mod": "module work.example/w\n\ngo 1.21\n" + require +
			"replace (\n\tb.example/b => fork.example/b v1.5.0\n\tunused.example/u v1.0.0 => fork.example/u v1.0.0\n\tn.example/n => ./n\n)\n",
		"w.go": source,
	}, "mod tidy")
	fresh := newProject(t, tree, with.Dir)
	fresh.Run(t, "mod", "vendor")
	m := read(t, fresh, "vendor/modules.txt")
	if diff := cmp.Diff(fetched(t, fresh).Modules, m.Modules); diff != "" {
		t.Errorf("-the go command's +ours:\n%s", diff)
	}
}
