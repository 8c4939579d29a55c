package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The graph is the same in every run, and the go command takes all of it.
func TestGraph(t *testing.T) {
	e := &env{quick: true, dir: t.TempDir()}
	g, again := newGraph(t, e), newGraph(t, e)
	if diff := cmp.Diff(again, g, cmp.AllowUnexported(graph{}), cmp.FilterPath(
		func(p cmp.Path) bool { return p.String() == "tree" }, cmp.Ignore())); diff != "" {
		t.Errorf("made again:\n%s", diff)
	}
	files := contents(t, g.tree)
	if diff := cmp.Diff(contents(t, again.tree), files); diff != "" {
		t.Errorf("files made again:\n%s", diff)
	}
	if want := 4 * quickGraphModules; len(files) != want {
		t.Errorf("%d files, want %d", len(files), want)
	}
	command, err := newGoCommand(e, g, fileProxy(g.tree))
	if err != nil {
		t.Fatal(err)
	}
	if err := command.run(t.Context(), []string{"mod", "download"}); reason(err) != "" {
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
	extracted, err := filepath.Glob(command.path("modules/example.com/team*/project*@" + newVersion + "/go.mod"))
	if err != nil || len(extracted) != quickGraphModules {
		t.Errorf("%d modules were extracted, want %d: %v", len(extracted), quickGraphModules, err)
	}
}

func newGraph(t *testing.T, e *env) *graph {
	t.Helper()
	g, err := makeGraph(e)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// contents returns the files below a directory, by name.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
		files[name] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// What the go command says when it fails is told, and nothing is left of it.
func TestGoCommandFails(t *testing.T) {
	e := &env{quick: true, dir: t.TempDir()}
	g := newGraph(t, e)
	_, err := timeGo(t.Context(), e, g, fileProxy(t.TempDir()), []string{"mod", "download"})
	if err == nil || reason(err) == "" && !strings.Contains(err.Error(), graphPath(0)) {
		t.Errorf("with nothing to download from: %v", err)
	}
	left, err := filepath.Glob(filepath.Join(e.dir, "*"))
	if diff := cmp.Diff([]string{g.tree}, left); diff != "" || err != nil {
		t.Errorf("left of it (-want +got): %v\n%s", err, diff)
	}
}

func TestLastLines(t *testing.T) {
	for text, want := range map[string]string{
		"":            "",
		"one\n":       "one",
		"1\n2\n3\n4":  "3\n4",
		"1\n2\n3\n\n": "2\n3",
	} {
		if got := lastLines(text, 2); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
