package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// A goCommand is the real go command in the graph's main module, with a module cache
// and settings of its own, which are in a directory that remove removes.
type goCommand struct {
	home  string
	proxy string
}

// newGoCommand returns a go command that has nothing yet, and gets modules from proxy
// alone.
func newGoCommand(e *env, g *graph, proxy string) (*goCommand, error) {
	home, err := e.tempDir()
	if err != nil {
		return nil, err
	}
	c := &goCommand{home, proxy}
	files := map[string]string{
		"work/go.mod": g.main,
		// It would write its telemetry from a process that outlives it.
		".config/go/telemetry/mode":                     "off\n",
		"Library/Application Support/go/telemetry/mode": "off\n",
	}
	for name, content := range files {
		if err := writeFile(c.path(name), content); err != nil {
			return nil, errors.Join(err, c.remove())
		}
	}
	return c, nil
}

// writeFile writes a file and makes the directories on the way to it.
func writeFile(file, content string) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
		return err
	}
	return os.WriteFile(file, []byte(content), 0o666)
}

func (c *goCommand) path(name string) string { return filepath.Join(c.home, filepath.FromSlash(name)) }

func (c *goCommand) remove() error { return os.RemoveAll(c.home) }

// run runs the go command until it ends, or ctx does, which kills it. It starts no
// processes of its own for what it is asked here.
func (c *goCommand) run(ctx context.Context, args []string) error {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir, cmd.Env = c.path("work"), c.environment()
	cmd.WaitDelay = 10 * time.Second
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	err := cmd.Run()
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return &skipped{"there is no go command"}
	case err != nil:
		return fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, lastLines(stderr.String(), 8))
	}
	return nil
}

// environment has no setting of the user's. GOROOT is found by the go command itself.
func (c *goCommand) environment() []string {
	return []string{
		"PATH=" + os.Getenv("PATH"),
		"HOME=" + c.home,
		"TMPDIR=" + os.TempDir(),
		"GOENV=off",
		"GOWORK=off",
		"GOPATH=" + c.path("go"),
		"GOMODCACHE=" + c.path("modules"),
		"GOCACHE=" + c.path("build"),
		"GOFLAGS=-mod=mod -modcacherw", // so that it can be removed
		"GOTOOLCHAIN=local",
		"GOSUMDB=off",
		"GOVCS=*:off",
		"GOPROXY=" + c.proxy,
	}
}

// fileProxy is the GOPROXY for a directory.
func fileProxy(dir string) string {
	path := filepath.ToSlash(dir)
	if !strings.HasPrefix(path, "/") {
		path = "/" + path // it begins with a drive's letter
	}
	return (&url.URL{Scheme: "file", Path: path}).String()
}

// lastLines returns at most n lines of text, the last.
func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
