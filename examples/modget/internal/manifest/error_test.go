package manifest_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/breakwater-go/breakwater/examples/modget/internal/manifest"
	"github.com/google/go-cmp/cmp"
)

// What is wrong with a file is said on one line, with the file's name, the line's
// number, and what to do.
func TestReadSaysWhatIsWrong(t *testing.T) {
	const mod = "module work.example/w\n\ngo 1.21\n"
	tests := []struct {
		name  string
		files map[string]string
		want  string // the first file is read
	}{
		{"go.mod", nil, "go.mod: no such file or directory: check the name and the directory"},
		{"go.mod", map[string]string{"go.mod": " \n"}, "go.mod: the file is empty: name one that lists modules"},
		{"go.mod", map[string]string{"go.mod/x": ""}, "go.mod: is a directory: name a file in it, such as go.mod/go.mod"},
		{"go.mod", map[string]string{"go.mod": "\x7fELF\x00\x01"}, "go.mod: is not a text file in UTF-8: check the name, or save it in that encoding"},
		{"go.mod", map[string]string{"go.mod": mod + "<<<<<<< HEAD\nrequire a.example/a v1.0.0\n"},
			`go.mod:4: a merge conflict is not resolved: resolve it, then run "go mod tidy"`},
		{"go.mod", map[string]string{"go.mod": mod + "requires a.example/a v1.0.0\nx\n"},
			"go.mod:4: unknown directive: requires: correct the line"},
		{"go.mod", map[string]string{"go.mod": mod + "require a.example/a master\n"},
			`go.mod:4: require a.example/a: version "master" invalid: must be of the form v1.2.3: correct the line`},
		{"go.mod", map[string]string{"go.mod": mod + "require a.example/a v2.0.0\n"},
			`go.mod:4: require a.example/a: version "v2.0.0" invalid: should be v0 or v1, not v2: correct the line`},
		{"go.mod", map[string]string{"go.mod": mod + "require (\n\ta.example/a v1.0.0\n\tprivate/b v1.0.0\n)\n"},
			`go.mod:6: malformed module path "private/b": missing dot in first path element: correct the path`},
		{"go.mod", map[string]string{"go.mod": mod + "replace a.example/a => b.example/b\n"},
			"go.mod:4: replacement module without version must be directory path (rooted or starting with . or ..): correct the line"},
		{"go.mod", map[string]string{"go.mod": mod + "replace a.example/a => ./a\nreplace a.example/a => ./b\n"},
			"go.mod:5: a.example/a is replaced by ./b here and by ./a in go.mod: keep one of the two, or decide in go.work"},
		{"go.mod", map[string]string{"go.mod": mod, "go.sum": "a.example/a v1.0.0\n"},
			`go.sum:1: "a.example/a v1.0.0" is not "path version hash": repair the line, or remove it and run "go mod tidy"`},
		{"go.sum", map[string]string{"go.sum": "\n=======\n"},
			`go.sum:2: a merge conflict is not resolved: resolve it, then run "go mod tidy"`},
		{"go.sum", map[string]string{"go.sum": "A!.example/a v1.0.0 h1:x=\n"},
			`go.sum:1: malformed module path "A!.example/a": invalid char '!': repair the line, or remove it and run "go mod tidy"`},
		{"go.sum", map[string]string{"go.sum": "a.example/a v1/go.mod h1:x=\n"},
			`go.sum:1: a.example/a: version "v1" is not of the form v1.2.3: repair the line, or remove it and run "go mod tidy"`},
		{"go.work", map[string]string{"go.work": "go 1.21\n"}, `go.work: uses no module: add one with "go work use DIRECTORY"`},
		{"go.work", map[string]string{"go.work": "go 1.21\nuse ./tool\n"},
			`go.work:2: it uses ./tool, where there is no go.mod file: check out that directory, or run "go work edit -dropuse=./tool"`},
		{"go.work", map[string]string{"go.work": "go 1.21\nuse ./tool\n", "tool/go.mod": mod + "require x\n"},
			"tool/go.mod:4: usage: require module/path v1.2.3: correct the line"},
		{"go.work", map[string]string{
			"go.work":  "go 1.21\nuse ./a\nuse ./b\n",
			"a/go.mod": "module a.example/a\nreplace x.example/x => ../x\n",
			"b/go.mod": "module b.example/b\nreplace x.example/x => ./x\n",
		}, "b/go.mod:2: x.example/x is replaced by ./x here and by ../x in a/go.mod: keep one of the two, or decide in go.work"},
		{"go.work", map[string]string{"go.work": "go 1.21\nusing ./tool\n"}, "go.work:2: unknown directive: using: correct the line"},
		{"modules.txt", map[string]string{"modules.txt": "a.example/a\n"},
			`modules.txt:1: "a.example/a" comes before any module: run "go mod vendor" again`},
		{"modules.txt", map[string]string{"modules.txt": "# a.example/a 1.0.0\n"},
			`modules.txt:1: "a.example/a 1.0.0" is no module and version: run "go mod vendor" again`},
		{"modules.txt", map[string]string{"modules.txt": "# a.example/a v1.0.0 => b.example/b\n## explicit\n"},
			`modules.txt:1: "a.example/a v1.0.0 => b.example/b" is replaced by what is no module and no directory: run "go mod vendor" again`},
		{"modules.txt", map[string]string{"modules.txt": "# a.example/a v2.0.0\n## explicit\n"},
			`modules.txt:1: a.example/a@v2.0.0: invalid version: should be v0 or v1, not v2: write a.example/a/v2@v2.0.0, or a.example/a@v2.0.0+incompatible if that version has no go.mod file`},
		{"modules.txt", map[string]string{"modules.txt": "# a.example/a v1.0\n## explicit\n"},
			"modules.txt:1: a.example/a@v1.0: the version is not of the form v1.2.3: correct it"},
		{"list.txt", map[string]string{"list.txt": "# nothing yet\n"}, "list.txt: lists no module: write one module@version on a line"},
		{"list.txt", map[string]string{"list.txt": "a.example/a v1.0.0\n"},
			`list.txt:1: "a.example/a v1.0.0" is no module: write one module@version on a line`},
		{"list.txt", map[string]string{"list.txt": "\na.example/a\n"},
			`list.txt:2: "a.example/a" names no version: write a.example/a@latest, or the version`},
	}
	for _, tt := range tests {
		t.Run(tt.want, func(t *testing.T) {
			t.Chdir(t.TempDir())
			for name, content := range tt.files {
				write(t, name, content)
			}
			_, err := manifest.Read(tt.name)
			wantError(t, err, tt.want)
		})
	}
}

// wantError sees that an error is an *Error with that text.
func wantError(t testing.TB, err error, want string) {
	t.Helper()
	if _, ok := errors.AsType[*manifest.Error](err); !ok {
		t.Fatalf("error %v (%[1]T), want a *manifest.Error", err)
	}
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// That a file is missing or may not be read can be told from the error.
func TestReadErrorIsTheSystems(t *testing.T) {
	t.Chdir(t.TempDir())
	if _, err := manifest.Read("go.mod"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing: %v", err)
	}
	write(t, "go.sum", "")
	if err := os.Chmod("go.sum", 0); err != nil {
		t.Fatal(err)
	}
	if _, err := os.ReadFile("go.sum"); err == nil {
		t.Skip("this user may read all files")
	}
	_, err := manifest.Read("go.sum")
	if !errors.Is(err, fs.ErrPermission) {
		t.Errorf("not readable: %v", err)
	}
	wantError(t, err, "go.sum: permission denied: run as a user who may read it, or change its mode")
}

// A file is not read beyond its bound, nor a reader that never ends; a long line is
// not repeated in full.
func TestReadIsBounded(t *testing.T) {
	_, err := manifest.ReadList("standard input", endless('x'))
	wantError(t, err, "standard input: is larger than 16 MiB, as no list of modules is: check the name")

	file := filepath.Join(t.TempDir(), "long.txt")
	for _, line := range []string{"a.example/" + strings.Repeat("a", 1<<20) + "@v1.0.0", strings.Repeat("a b ", 1<<18), strings.Repeat("c", 1<<20)} {
		write(t, file, line)
		_, err := manifest.Read(file)
		if err == nil || len(err.Error()) > 1000 {
			t.Errorf("an error of %d bytes for a line of %d", len(err.Error()), len(line))
		}
	}
}

type endless byte

func (e endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(e)
	}
	return len(p), nil
}

// What a reader fails with is in the error.
func TestReadListFails(t *testing.T) {
	broken := errors.New("the cable is cut")
	_, err := manifest.ReadList("standard input", iotest.ErrReader(broken))
	if !errors.Is(err, broken) {
		t.Errorf("error %v, want it to wrap %v", err, broken)
	}
	wantError(t, err, "standard input: the file cannot be read: the cable is cut")
}
