package cli_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/breakwater-go/breakwater/examples/internal/fixture"
	"github.com/breakwater-go/breakwater/examples/modget/internal/cli"
)

// An outcome is what came of a run of the program.
type outcome struct {
	code     int
	out, err string
}

// run is the whole program with these arguments.
func run(t *testing.T, ctx context.Context, args ...string) outcome {
	t.Helper()
	dir := t.TempDir()
	streams := cli.Streams{In: strings.NewReader(""), Out: create(t, dir, "out"), Err: create(t, dir, "err")}
	defer streams.Out.Close()
	defer streams.Err.Close()
	code := cli.Run(ctx, args, streams)
	return outcome{code, read(t, streams.Out.Name()), read(t, streams.Err.Name())}
}

func create(t *testing.T, dir, name string) *os.File {
	t.Helper()
	f, err := os.Create(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func read(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// wantOneLine wants a failure that is told in one line, with a text in it.
func (o outcome) wantOneLine(t *testing.T, code int, text string) {
	t.Helper()
	if o.code != code || strings.Count(o.err, "\n") != 1 || !strings.Contains(o.err, text) || o.out != "" {
		t.Errorf("code %d, want %d and one line with %q\nstandard error: %s\nstandard output: %s", o.code, code, text, o.err, o.out)
	}
}

// When the time of -timeout is up the code says that the same command goes on later,
// whatever it was about.
func TestTimeIsUp(t *testing.T) {
	hang := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	t.Cleanup(hang.Close)
	fixture.Settings(t, hang.URL)
	for _, args := range [][]string{
		{"query", "example.com/hello"},
		{"list", "example.com/hello"},
		{"doctor"},
		{"warm", "-q", "example.com/hello@v1.0.0"},
		{"download", "-q", "-dir", t.TempDir(), "example.com/hello@v1.0.0"},
	} {
		got := run(t, t.Context(), append([]string{"-timeout", "300ms"}, args...)...)
		if got.code != 4 || !strings.Contains(got.err, "-timeout gives it longer") {
			t.Errorf("%v: code %d\n%s", args, got.code, got.err)
		}
	}
}

// Where the go settings cannot be read, nobody knows which modules are private: no
// source is asked, not one of -goproxy either.
func TestUnknownSettings(t *testing.T) {
	var asked atomic.Int32
	source := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		http.NotFound(w, r)
	}))
	t.Cleanup(source.Close)
	fixture.Settings(t, source.URL)
	t.Setenv("GOPRIVATE", "corp.example")
	t.Setenv("GOENV", t.TempDir())                            // no file, for who has no go command
	t.Setenv("TMPDIR", filepath.Join(t.TempDir(), "missing")) // in which the go command would be run
	run(t, t.Context(), "-goproxy", source.URL, "query", "corp.example/secret@v1.0.0").wantOneLine(t, 1, "nobody knows which modules are private")
	if n := asked.Load(); n > 0 {
		t.Errorf("a source was asked %d times", n)
	}
}

// A password in what was mistyped is not printed.
func TestNoPasswords(t *testing.T) {
	fixture.Settings(t, "off")
	for _, command := range []string{"env", "mirrors", "download", "warm", "list", "query", "verify", "doctor", "help", "bundle", "bundle import", "bundle export x.tar", "mirrors -sample", "-goproxy"} {
		for _, url := range []string{"http://ann:secret@%zz", "https://ann:secret@host/x", "ftp://ann:secret@x"} {
			got := run(t, t.Context(), append(strings.Fields(command), url)...)
			if strings.Contains(got.out+got.err, "secret") {
				t.Errorf("%s %s prints\n%s%s", command, url, got.out, got.err)
			}
		}
	}
}

// Help and completion refuse what they do not know, as all commands do.
func TestBuiltin(t *testing.T) {
	for _, test := range []struct{ args, want string }{
		{"help lst", `there is no command "lst": did you mean "list"?`},
		{"help bundle carry", `there is no command "modget bundle carry": see "modget bundle -help"`},
		{"completion tcsh", "it is bash, zsh, fish or powershell"},
		{"completion bash now", `"now" is an argument too many`},
		{"-- list example.com/hello", "leave out the -- before it"},
		{"mirrors -offline", "-offline asks nobody"},
		{"mirrors -rounds 0", "-rounds is a number from 1, not 0"},
		{"mirrors -budget -2m", "-budget is a time from now"},
		{"query -timeout -5s example.com/hello", "-timeout is a time from now"},
		{"bundle import -max-bytes -1 x.tar", "-max-bytes is a number from 1, not -1"},
	} {
		run(t, t.Context(), strings.Fields(test.args)...).wantOneLine(t, 2, test.want)
	}
	for _, args := range []string{"help", "help bundle", "help bundle export", "completion", "completion bash"} {
		if got := run(t, t.Context(), strings.Fields(args)...); got.code != 0 || got.out == "" || got.err != "" {
			t.Errorf("%s: code %d, and it says %s", args, got.code, got.err)
		}
	}
}

// Names of files in what is verified are a stranger's words: they end no line, and
// command no terminal.
func TestTreeWithTricks(t *testing.T) {
	fixture.Settings(t, "off")
	t.Setenv("GOSUMDB", "sum.golang.org")
	dir := t.TempDir()
	for _, name := range []string{"a\x1b[31m\nmodget: all is well", "b"} {
		if err := os.Symlink("missing", filepath.Join(dir, name)); err != nil {
			t.Skip(err) // of systems without such names
		}
	}
	got := run(t, t.Context(), "verify", dir)
	if got.code != 2 || strings.Count(got.out, "\n") != 2 || strings.Contains(got.out+got.err, "\x1b") {
		t.Errorf("code %d\n%q\n%q", got.code, got.out, got.err)
	}
}

// Where GOPROXY is off, it is no use to look at how a module is spelled.
func TestOff(t *testing.T) {
	fixture.Settings(t, "off")
	run(t, t.Context(), "query", "example.com/hello").wantOneLine(t, 3, "name a source in GOPROXY")
}
