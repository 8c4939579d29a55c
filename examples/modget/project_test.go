package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/mod/modfile"
)

// project is a real program that requires more than a hundred modules.
const project = "github.com/caddyserver/caddy/v2@v2.11.9"

// A real project is warmed, bundled, and carried to a home directory that knows
// nothing, in a network namespace of its own in which nothing can be reached; there
// its module graph is listed and it is built with the go command's default settings.
func TestRealProject(t *testing.T) {
	if os.Getenv("BREAKWATER_LIVE") == "" {
		t.Skip("it asks the module proxy in go env GOPROXY, and builds for minutes: set BREAKWATER_LIVE=1")
	}
	goproxy := strings.TrimSpace(run(t, nil, "", "go", "env", "GOPROXY"))
	modget := build(t)
	outside, inside := newHome(t), newHome(t)
	online := append(outside.env(), "GOPROXY="+goproxy)

	sources := filepath.Join(t.TempDir(), "sources")
	run(t, online, "", modget, "download", "-dir", sources, project)
	dir := filepath.Join(sources, filepath.FromSlash(project))
	if n := requirements(t, dir); n < 100 {
		t.Fatalf("it requires %d modules", n)
	}
	bundle := filepath.Join(t.TempDir(), "modules.tar.gz")
	t.Log(run(t, online, dir, modget, "warm", "-q", "go.mod"))
	t.Log(run(t, online, dir, modget, "bundle", "export", "-q", bundle, "go.mod"))

	offline := inside.env()
	t.Log(run(t, offline, dir, alone(modget, "bundle", "import", bundle)...))
	t.Log(run(t, offline, dir, alone(modget, "download", "-q", "-offline", "go.mod")...))
	run(t, offline, dir, alone("go", "list", "-m", "all")...)
	run(t, offline, dir, alone("go", "build", "-o", "program", "./cmd/caddy")...)
	t.Log(run(t, offline, dir, "./program", "version"))
}

// home is a home directory without any settings.
type home string

func newHome(t *testing.T) home {
	dir := t.TempDir()
	telemetry := filepath.Join(dir, ".config", "go", "telemetry")
	if err := os.MkdirAll(telemetry, 0o777); err != nil {
		t.Fatal(err)
	}
	// The go command would write its counts from a process that outlives the test.
	if err := os.WriteFile(filepath.Join(telemetry, "mode"), []byte("off\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { makeWritable(dir) })
	return home(dir)
}

// env has nothing that says where modules come from.
func (h home) env() []string {
	return []string{"HOME=" + string(h), "PATH=" + os.Getenv("PATH"), "TMPDIR=" + os.TempDir()}
}

// makeWritable lets the test remove GOMODCACHE, whose directories are read-only.
func makeWritable(dir string) {
	filepath.WalkDir(dir, func(name string, d os.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			return os.Chmod(name, 0o777)
		}
		return nil
	})
}

func requirements(t *testing.T, dir string) int {
	data, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	mod, err := modfile.Parse("go.mod", data, nil)
	if err != nil {
		t.Fatal(err)
	}
	return len(mod.Require)
}

// alone has a command run where there is no network, not even a loopback interface.
// Where that cannot be had, the source that it could ask is missing all the same.
func alone(command ...string) []string {
	if runtime.GOOS == "linux" && os.Geteuid() == 0 {
		return append([]string{"unshare", "-n"}, command...)
	}
	return command
}

// run runs a command, which must succeed, and returns what it prints.
func run(t *testing.T, env []string, dir string, command ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), command[0], command[1:]...)
	cmd.Env, cmd.Dir = env, dir
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(command, " "), err, out.Bytes())
	}
	return out.String()
}

// build builds the program that this test is of.
func build(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "modget")
	run(t, nil, "", "go", "build", "-o", file, ".")
	return file
}
