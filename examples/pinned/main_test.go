package main

import (
	"context"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/breakwater-go/breakwater/examples/internal/fixture"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/sumdb/dirhash"
)

// lock has the go command write a go.sum file for example.com/hello and what it
// needs, and returns the file's name and content.
func lock(t *testing.T, source *fixture.Source) (file, content string) {
	t.Helper()
	goCommand := fixture.NewGoCommand(t, source.URL)
	goCommand.Run(t, "get", "example.com/hello@v1.1.0")
	goCommand.Run(t, "mod", "download", "all")
	file = filepath.Join(goCommand.Dir, "go.sum")
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return file, string(data)
}

// What is unpacked hashes to what the go command wrote, and builds with no proxy
// at all.
func TestHermeticBuild(t *testing.T) {
	source := fixture.NewSource(t)
	fixture.Settings(t, source.URL)
	file, content := lock(t, source)
	out := filepath.Join(t.TempDir(), "modules")
	output := fixture.NewOutput()
	if err := run(t.Context(), file, out, nil, output); err != nil {
		t.Fatal(err)
	}
	output.After(t, "2 modules are in ")
	for _, m := range []string{"example.com/hello@v1.1.0", "example.com/dep@v0.1.0"} {
		hash, err := dirhash.HashDir(filepath.Join(out, filepath.FromSlash(m)), m, dirhash.Hash1)
		if err != nil {
			t.Fatal(err)
		}
		if line := strings.Replace(m, "@", " ", 1) + " " + hash + "\n"; !strings.Contains(content, line) {
			t.Errorf("%s is not in go.sum:\n%s", line, content)
		}
	}
	build := fixture.NewGoCommand(t, "off")
	build.Write(t, "go.mod", "module example.com/work\n\ngo 1.21\n\n"+
		"require example.com/hello v1.1.0\n\nrequire example.com/dep v0.1.0 // indirect\n\n"+
		"replace example.com/hello => "+filepath.ToSlash(filepath.Join(out, "example.com/hello@v1.1.0"))+"\n\n"+
		"replace example.com/dep => "+filepath.ToSlash(filepath.Join(out, "example.com/dep@v0.1.0"))+"\n")
	build.Write(t, "work.go", "package work\n\nimport _ \"example.com/hello\"\n")
	build.Run(t, "build", ".")
}

// What is not listed is refused, also where it is in the cache, and leaves nothing.
func TestRefusals(t *testing.T) {
	source := fixture.NewSource(t)
	fixture.Settings(t, source.URL)
	file, content := lock(t, source)
	write := func(t *testing.T, content string) string {
		t.Helper()
		name := filepath.Join(t.TempDir(), "go.sum")
		if err := os.WriteFile(name, []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
		return name
	}
	if err := run(t.Context(), file, filepath.Join(t.TempDir(), "modules"), nil, io.Discard); err != nil {
		t.Fatal(err) // now both are in the cache
	}
	var goModOnly strings.Builder
	for line := range strings.Lines(content) {
		if strings.Contains(line, "/go.mod ") {
			goModOnly.WriteString(line)
		}
	}
	forged := "example.com/hello v1.1.0 h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"
	for _, tt := range []struct {
		name, file string
		modules    []string
		want       string
	}{
		{"another version", file, []string{"example.com/hello@v1.0.0"}, "no zip of example.com/hello@v1.0.0 is listed"},
		{"no version", file, []string{"example.com/hello"}, "no zip of example.com/hello is listed"},
		{"of which only the go.mod file is listed", write(t, goModOnly.String()), []string{"example.com/dep@v0.1.0"}, "no zip of example.com/dep@v0.1.0"},
		{"another hash", write(t, forged), nil, "h1:47DEQpj8HBSa"},
		{"no such module", write(t, strings.ReplaceAll(content, "example.com/dep", "example.com/gone")), []string{"example.com/gone@v0.1.0"}, "not found"},
		{"nothing listed", write(t, goModOnly.String()), nil, "no zip is listed in "},
		{"no file", filepath.Join(t.TempDir(), "go.sum"), nil, "-sum: "},
		{"not a go.sum file", write(t, "module example.com/work\n"), nil, "-sum: "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			place := t.TempDir()
			err := run(t.Context(), tt.file, filepath.Join(place, "modules"), tt.modules, io.Discard)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %q", err, tt.want)
			}
			if diff := cmp.Diff([]string{}, names(t, place)); diff != "" {
				t.Errorf("left behind (-want +got):\n%s", diff)
			}
		})
	}
}

func TestOutDirectory(t *testing.T) {
	source := fixture.NewSource(t)
	fixture.Settings(t, source.URL)
	file, _ := lock(t, source)
	for _, out := range []string{"", t.TempDir(), filepath.Join(t.TempDir(), "absent", "modules")} {
		if err := run(t.Context(), file, out, nil, io.Discard); err == nil || !strings.HasPrefix(err.Error(), "-out: ") {
			t.Errorf("-out %q: %v", out, err)
		}
	}
}

// A name that is completed by a shell ends in a slash, and one that is given twice
// is one module.
func TestSlashAndRepetition(t *testing.T) {
	source := fixture.NewSource(t)
	fixture.Settings(t, source.URL)
	file, _ := lock(t, source)
	out := filepath.Join(t.TempDir(), "modules")
	output := fixture.NewOutput()
	if err := run(t.Context(), file, out+"/", []string{"example.com/dep@v0.1.0", "example.com/dep@v0.1.0"}, output); err != nil {
		t.Fatal(err)
	}
	if got, want := output.String(), "1 modules are in "+out+"\n"; got != want {
		t.Errorf("output %q, want %q", got, want)
	}
	if _, err := os.Stat(filepath.Join(out, "example.com", "dep@v0.1.0", "go.mod")); err != nil {
		t.Error(err)
	}
}

// An interrupted run leaves nothing, and what was downloaded before is not asked for
// again.
func TestInterrupt(t *testing.T) {
	source := fixture.NewSource(t)
	fixture.Settings(t, source.URL)
	file, _ := lock(t, source)
	if err := run(t.Context(), file, filepath.Join(t.TempDir(), "hello"), []string{"example.com/hello@v1.1.0"}, io.Discard); err != nil {
		t.Fatal(err)
	}
	asked := len(source.Asked())
	place := t.TempDir()
	arrived, release := source.Hold(t, "example.com/dep/@v/v0.1.0.zip")
	ctx, interrupt := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, file, filepath.Join(place, "modules"), nil, io.Discard) }()
	<-arrived
	interrupt()
	if err := <-ended; err == nil {
		t.Error("no error")
	}
	if diff := cmp.Diff([]string{}, names(t, place)); diff != "" {
		t.Errorf("left behind (-want +got):\n%s", diff)
	}
	release()
	if err := run(t.Context(), file, filepath.Join(place, "modules"), nil, io.Discard); err != nil {
		t.Error(err)
	}
	if again := source.Asked()[asked:]; slices.Contains(again, "/example.com/hello/@v/v1.1.0.zip") {
		t.Errorf("the source was asked for %v", again)
	}
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	names := []string{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, _ fs.DirEntry, err error) error {
		if path != "." {
			names = append(names, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}
