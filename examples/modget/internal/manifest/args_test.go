package manifest_test

import (
	"strings"
	"testing"

	"github.com/breakwater-go/breakwater/examples/modget/internal/manifest"
	"github.com/google/go-cmp/cmp"
)

func TestArgs(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "go.mod", "module work.example/w\n\nrequire a.example/a v1.0.0\n")
	write(t, "dir/tools.work", "go 1.21\nuse ..\n")
	write(t, "versions", "b.example/b@v1.0.0\n")
	write(t, "c.example/c/c.go", "package c\n")
	tests := []struct {
		args, want string
	}{
		{"", ""},
		{"a.example/a", "query a.example/a@latest\n"},
		{"a.example/a@upgrade", "query a.example/a@upgrade\n"},
		{"a.example/a@v1.0.0 a.example/a@v1.0.0", "module a.example/a@v1.0.0\n"},
		{"a.example/a@v1.0 a.example/a@<=v1.0.0", "query a.example/a@<=v1.0.0\nquery a.example/a@v1.0\n"},
		{"a.example/a/v2@v2.0.0 gopkg.in/y.v3@v3.0.1", "module a.example/a/v2@v2.0.0\nmodule gopkg.in/y.v3@v3.0.1\n"},
		{"a.example/a@v1.0.0+meta", "query a.example/a@v1.0.0+meta\n"},
		{"go.mod", "module a.example/a@v1.0.0\nroot a.example/a@v1.0.0\nown work.example/w\n"},
		{"./go.mod a.example/a@v1.0.0", "module a.example/a@v1.0.0\nroot a.example/a@v1.0.0\nown work.example/w\n"},
		{"dir/tools.work", "module a.example/a@v1.0.0\nroot a.example/a@v1.0.0\nown work.example/w\n"},
		{"versions b.example/b@v1.1.0", "module b.example/b@v1.0.0\nmodule b.example/b@v1.1.0\n"},
		{"c.example/c", "query c.example/c@latest\n"}, // a directory of that name is no list
		{"example.com/go.mod@latest", "query example.com/go.mod@latest\n"},
		{"toolchain@go1.26.0", ""},
	}
	for _, tt := range tests {
		t.Run(tt.args, func(t *testing.T) {
			got, err := manifest.Args(strings.Fields(tt.args))
			if err != nil {
				t.Fatal(err)
			}
			wanted, _, _ := strings.Cut(render(got), "no sums\n")
			if diff := cmp.Diff(tt.want, wanted); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestArgsSayWhatIsWrong(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "dir/go.mod", "")
	tests := []struct{ arg, want string }{
		{"", "an argument is empty: name a module, such as example.com/mod@v1.2.3, or a file"},
		{"fmt", `malformed module path "fmt": missing dot in first path element: write a module path such as example.com/mod`},
		{"https://ann:secret@a.example/a", "a URL is no module: write the module's path, such as example.com/mod"},
		{"https://a.example/a", `"https://a.example/a" is a URL: write the module's path, such as a.example/a`},
		{"a.example/...", `"a.example/..." is a pattern: name the modules one by one, or a go.mod file`},
		{"a.example/a@", "a.example/a@ names no version: write a.example/a@latest, or the version"},
		{"a.example/a@none", "a.example/a@none means something only to the go command: write a.example/a@latest, or the version"},
		{"a.example/a@<2", "a.example/a@<2: a bound is <, <=, > or >= and a version, such as <v1.5.0"},
		{"a.example/a@=v1.0.0", "a.example/a@=v1.0.0: a bound is <, <=, > or >= and a version, such as <v1.5.0"},
		{"a.example/a@feature/x", "a.example/a@feature/x: no version, branch or commit that a source can be asked for: write the commit in place of a branch with such characters"},
		{"a.example/a@v2.0.0", "a.example/a@v2.0.0: invalid version: should be v0 or v1, not v2: write a.example/a/v2@v2.0.0, or a.example/a@v2.0.0+incompatible if that version has no go.mod file"},
		{"a.example/a/v2@v1.0.0", "a.example/a/v2@v1.0.0: invalid version: should be v2, not v1: write a.example/a@v1.0.0"},
		{"gopkg.in/y.v3@v2.0.0", "gopkg.in/y.v3@v2.0.0: invalid version: should be v3, not v2: write a module path and a version of it, such as example.com/mod@v1.2.3"},
		{"go.sum", "go.sum: no such file or directory: check the name and the directory"},
		{"list.txt", "list.txt: no such file or directory: check the name and the directory"},
		{"./dir", "./dir: is a directory: name a file in it, such as dir/go.mod"},
		{"dir", "dir: is a directory: name a file in it, such as dir/go.mod"},
		{"dir/go.mod", "dir/go.mod: the file is empty: name one that lists modules"},
	}
	for _, tt := range tests {
		t.Run(tt.arg, func(t *testing.T) {
			_, err := manifest.Args([]string{"a.example/good@v1.0.0", tt.arg})
			wantError(t, err, tt.want)
		})
	}
}
