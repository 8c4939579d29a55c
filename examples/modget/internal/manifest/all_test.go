package manifest_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/breakwater-go/breakwater/examples/internal/fixture"
	"github.com/breakwater-go/breakwater/examples/modget/internal/manifest"
	"github.com/google/go-cmp/cmp"
)

// settings gives this process those of a test that has only tree for a source.
func settings(t *testing.T, tree string) {
	t.Helper()
	fixture.Settings(t, "file://"+filepath.ToSlash(tree))
	t.Setenv("GOFLAGS", "-modcacherw")
	t.Setenv("GOWORK", "")
	t.Setenv("GOTOOLCHAIN", "")
	t.Setenv("GOMODCACHE", filepath.Join(t.TempDir(), "modules"))
}

// All is what the real "go mod download all" downloads, with or without a vendor
// directory, and by itself reads go.mod files only.
func TestAll(t *testing.T) {
	tree := newTree(t)
	with := tidied(t, tree, map[string]string{
		"go.mod": "module work.example/w\n\ngo 1.21\n" + require + "replace b.example/b => ./b\n",
		"w.go":   source, "b/go.mod": "module b.example/b\n", "b/b.go": "package b\n",
	}, "mod tidy", "mod vendor")
	settings(t, tree)
	m, err := manifest.All(t.Context(), &manifest.Go{Dir: with.Dir})
	if err != nil {
		t.Fatal(err)
	}
	if zips, err := filepath.Glob(filepath.Join(os.Getenv("GOMODCACHE"), "cache/download/*/*/@v/*.zip")); len(zips) > 0 {
		t.Errorf("listing has downloaded %q, %v", zips, err)
	}
	all := newProject(t, tree, with.Dir)
	all.Run(t, "mod", "download", "all")
	needs(t, m, all)
	if diff := cmp.Diff([]manifest.Skipped{{What: "b.example/b v1.0.0 => ./b", Why: "it is replaced by a directory"}}, m.Skipped); diff != "" {
		t.Errorf("skipped: -want +got:\n%s", diff)
	}
	if got := len(m.Sums.Files()); got == 0 {
		t.Error("the go.sum file was not read")
	}
}

// In a workspace, all is that of all its modules, and none of them.
func TestAllOfAWorkspace(t *testing.T) {
	tree := newTree(t)
	with := tidied(t, tree, workspace, "work sync", "-C one mod tidy", "-C two mod tidy", "mod download")
	with.Write(t, "go.work.sum", "old.example/o v1.0.0/go.mod h1:"+strings.Repeat("o", 43)+"=\n")
	settings(t, tree)
	m, err := manifest.All(t.Context(), &manifest.Go{Dir: filepath.Join(with.Dir, "one")})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(m.Mods, version("old.example/o", "v1.0.0")) {
		t.Errorf("go.work.sum was not read: %v", m.Mods)
	}
	all := newProject(t, tree, with.Dir)
	all.Run(t, "mod", "download")
	needs(t, m, all)
}

// What the go command complains of is said on one line.
func TestAllSaysWhatIsWrong(t *testing.T) {
	const mod = "module work.example/w\n\n"
	tests := []struct {
		name  string
		files map[string]string
		want  []string
	}{
		{"no main module", nil, []string{"go.mod file not found"}},
		{"unknown module", map[string]string{"go.mod": mod + "go 1.16\n\nrequire x.example/x v1.0.0\n"}, []string{"x.example/x@v1.0.0", "no such file"}},
		{"broken go.mod file", map[string]string{"go.mod": mod + "go 1.21\n\nrequires\n"}, []string{"errors parsing go.mod", "unknown directive: requires"}},
		{"newer Go", map[string]string{"go.mod": mod + "go 1.999.0\n"}, []string{"go >= 1.999.0", "GOTOOLCHAIN=local"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			settings(t, newTree(t))
			t.Setenv("GOFLAGS", "-mod=mod") // it must write nothing all the same
			t.Chdir(t.TempDir())
			for name, content := range tt.files {
				write(t, name, content)
			}
			_, err := manifest.All(t.Context(), new(manifest.Go))
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range append(tt.want, "go list -m") {
				if got := err.Error(); !strings.Contains(got, want) || strings.Contains(got, "\n") {
					t.Errorf("error %q, want one line with %q", got, want)
				}
			}
			if _, err := os.Stat("go.sum"); err == nil {
				t.Error("a go.sum file was written")
			}
		})
	}
}

// A go command that is stopped, or that is not there, can be told from one that
// fails.
func TestAllCannotRun(t *testing.T) {
	settings(t, t.TempDir())
	ctx, cancel := context.WithCancelCause(t.Context())
	enough := errors.New("the user has had enough")
	cancel(enough)
	if _, err := manifest.All(ctx, new(manifest.Go)); !errors.Is(err, enough) {
		t.Errorf("canceled: %v", err)
	}
	t.Setenv("PATH", t.TempDir())
	if _, err := manifest.All(t.Context(), new(manifest.Go)); !errors.Is(err, exec.ErrNotFound) {
		t.Errorf("no go command: %v", err)
	}
}

// To list modules no other Go is downloaded and run, unless the environment says
// so. The go command is one that only says what it was told.
func TestAllKeepsTheToolchain(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the go command here is a shell script")
	}
	bin := t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, "go"), []byte("#!/bin/sh\necho \"toolchain <$GOTOOLCHAIN>\" >&2\nexit 1\n"), 0o777); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin)
	tests := []struct {
		env  []string
		want string
	}{
		{[]string{}, "local"},
		{[]string{"GOTOOLCHAIN="}, "local"},
		{[]string{"GOTOOLCHAIN=auto"}, "auto"},
		{[]string{"GOTOOLCHAIN=auto", "GOTOOLCHAIN=go1.25.0"}, "go1.25.0"},
	}
	for _, tt := range tests {
		t.Run(strings.Join(tt.env, " "), func(t *testing.T) {
			_, err := manifest.All(t.Context(), &manifest.Go{Env: tt.env})
			const want = "go list -m -mod=readonly -json all: toolchain <%s> (exit status 1)"
			if diff := cmp.Diff(fmt.Sprintf(want, tt.want), fmt.Sprint(err)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}
