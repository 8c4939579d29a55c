package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/breakwater-go/breakwater/examples/modget/internal/install/installtest"
	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"modget": main})
}

// TestScripts runs testdata/script: the program itself, the real go command, and a
// source with a checksum database on the loopback interface.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup:               func(env *testscript.Env) error { return setup(t, env) },
		Condition:           condition,
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"exits":   exits,
			"oneline": oneLine,
			"source":  source,
			"small":   smallDisk,
		},
	})
}

// sourceKey is where an Env keeps its source.
type sourceKey struct{}

// setup gives a script a source, a home directory, and no settings of the user's.
func setup(t *testing.T, env *testscript.Env) error {
	s := installtest.New(t, modules)
	env.Values[sourceKey{}] = s
	home := filepath.Join(env.WorkDir, "home")
	telemetry := filepath.Join(home, ".config", "go", "telemetry")
	if err := os.MkdirAll(telemetry, 0o777); err != nil {
		return err
	}
	// The go command would write its counts from a process that outlives the test.
	if err := os.WriteFile(filepath.Join(telemetry, "mode"), []byte("off\n"), 0o666); err != nil {
		return err
	}
	for name, value := range map[string]string{
		"HOME": home, "XDG_CACHE_HOME": "", "XDG_CONFIG_HOME": "",
		"GOENV": "off", "GOWORK": "off", "GOTOOLCHAIN": "local", "GOFLAGS": "-modcacherw",
		"GOPATH": filepath.Join(home, "go"), "GOMODCACHE": filepath.Join(home, "modules"),
		"GOCACHE": filepath.Join(home, "build"),
		"GOPROXY": s.URL, "GOSUMDB": s.VerifierKey, "GOVCS": "*:off",
		"TERM": "dumb", "CI": "",
	} {
		env.Setenv(name, value)
	}
	return nil
}

// modules are what the source has.
var modules = installtest.Modules{
	{Path: "example.com/hello", Version: "v1.0.0"}: {
		"go.mod":   "module example.com/hello\n\ngo 1.21\n\nrequire example.com/dep v0.1.0\n",
		"hello.go": "package hello\n\nimport \"example.com/dep\"\n\nvar Greeting = \"hello, \" + dep.Name\n",
	},
	{Path: "example.com/hello", Version: "v1.1.0"}: {
		"go.mod":   "module example.com/hello\n\ngo 1.21\n\nrequire example.com/dep v0.2.0\n\nretract v1.0.0\n",
		"hello.go": "package hello\n\nimport \"example.com/dep\"\n\nvar Greeting = \"hello, \" + dep.Name\n",
	},
	{Path: "example.com/dep", Version: "v0.1.0"}: {
		"go.mod": "module example.com/dep\n\ngo 1.21\n",
		"dep.go": "package dep\n\nconst Name = \"first\"\n",
	},
	{Path: "example.com/dep", Version: "v0.2.0"}: {
		"go.mod": "module example.com/dep\n\ngo 1.21\n",
		"dep.go": "package dep\n\nconst Name = \"second\"\n",
	},
	{Path: "example.com/sparse", Version: "v1.0.0"}: { // which builds nothing of large
		"go.mod":         "module example.com/sparse\n\ngo 1.21\n\nrequire (\n\texample.com/dep v0.2.0\n\texample.com/large v1.0.0\n)\n",
		"sparse.go":      "package sparse\n\nimport _ \"example.com/dep\"\n",
		"other/other.go": "package other\n\nimport _ \"example.com/large\"\n",
	},
	{Path: "example.com/unpruned", Version: "v1.0.0"}: { // which builds nothing of old
		"go.mod":         "module example.com/unpruned\n\nrequire example.com/old v1.0.0\n",
		"unpruned.go":    "package unpruned\n",
		"other/other.go": "package other\n\nimport _ \"example.com/old\"\n",
	},
	{Path: "example.com/old", Version: "v1.0.0"}: {
		"go.mod": "module example.com/old\n",
		"old.go": "package old\n",
	},
	{Path: "example.com/large", Version: "v1.0.0"}: {
		"go.mod":    "module example.com/large\n\ngo 1.21\n",
		"large.go":  "package large\n",
		"noise.bin": noise(8 << 20),
	},
}

// noise is text that hardly compresses, and the same each time.
func noise(size int) string {
	b := make([]byte, size)
	x := uint32(1)
	for i := range b {
		x ^= x << 13
		x ^= x >> 17
		x ^= x << 5
		b[i] = byte(x)
	}
	return string(b)
}

func condition(name string) (bool, error) {
	if name == "mount" {
		return runtime.GOOS == "linux" && os.Geteuid() == 0, nil
	}
	return false, errors.New("unknown condition " + name)
}

// exits runs a program that must end with a code: exits CODE PROGRAM [ARG ...].
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM [ARG ...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	err = ts.Exec(args[1], args[2:]...)
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("it exited with %d, want %d", got, want)
	}
}

// oneLine wants the last program to have written one line to standard error, and
// nothing to standard output.
func oneLine(ts *testscript.TestScript, neg bool, args []string) {
	errLines := strings.Count(ts.ReadFile("stderr"), "\n")
	if out := ts.ReadFile("stdout"); errLines != 1 || out != "" {
		ts.Fatalf("%d lines on standard error, and %q on standard output; want one line", errLines, out)
	}
}

// source does something to the source: "stop" makes it unreachable, "remove KEY" takes
// a file away, "damage KEY" flips a bit of it.
func source(ts *testscript.TestScript, neg bool, args []string) {
	s := ts.Value(sourceKey{}).(*installtest.Source)
	switch {
	case len(args) == 1 && args[0] == "stop":
		s.Close()
	case len(args) == 2 && args[0] == "remove":
		s.Remove(args[1])
	case len(args) == 2 && args[0] == "damage":
		s.Damage(args[1])
	default:
		ts.Fatalf("usage: source stop | remove KEY | damage KEY")
	}
}
