package install

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/breakwater-go/breakwater/verify"
)

// grace is how long an interrupted go command is given to end by itself.
const grace = 5 * time.Second

// A goCommand is the real go command in a main module of its own, which nobody
// depends on and which is removed afterwards: where there is none, a go.mod file in
// a directory above would be the main module, and be changed.
type goCommand struct {
	file        string
	dir         string
	env         []string
	moduleCache string
}

// openGoCommand finds the go command and asks it for the user's settings. close
// must be called.
func openGoCommand(ctx context.Context, o *ModuleCacheOptions) (_ *goCommand, err error) {
	file, err := exec.LookPath(cmp.Or(o.Go, "go"))
	if err != nil {
		return nil, &NoGoError{Err: err}
	}
	proxy, err := fileURL(o.Cache)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "breakwater-install-*")
	if err != nil {
		return nil, err
	}
	g := &goCommand{file: file, dir: dir}
	defer func() {
		if err != nil {
			err = errors.Join(err, g.close())
		}
	}()
	if err := g.writeModule(o.GoSum); err != nil {
		return nil, err
	}
	users, err := g.settings(ctx)
	if err != nil {
		return nil, err
	}
	g.moduleCache = cmp.Or(o.Dir, users["GOMODCACHE"])
	if g.moduleCache, err = filepath.Abs(g.moduleCache); err != nil {
		return nil, err
	}
	g.env = g.environ(proxy, o, users)
	return g, nil
}

func (g *goCommand) close() error { return os.RemoveAll(g.dir) }

// writeModule makes the main module. It says go 1.17, which every go command in
// use understands.
func (g *goCommand) writeModule(sums *verify.GoSum) error {
	if err := os.WriteFile(filepath.Join(g.dir, "go.mod"), []byte("module breakwater.invalid\n\ngo 1.17\n"), 0o666); err != nil {
		return err
	}
	if sums == nil {
		return nil
	}
	file, err := os.Create(filepath.Join(g.dir, "go.sum"))
	if err != nil {
		return err
	}
	_, err = sums.WriteTo(file)
	return errors.Join(err, file.Close())
}

// settings are the user's, `go env -w` included.
func (g *goCommand) settings(ctx context.Context) (map[string]string, error) {
	g.env = append(os.Environ(), "GOTOOLCHAIN=local", "GOWORK=off", "PWD="+g.dir)
	stdout, stderr, err := g.run(ctx, "env", "-json", "GOMODCACHE", "GOPATH", "GOFLAGS", "GOSUMDB", "GONOSUMDB")
	switch {
	case ctx.Err() != nil:
		return nil, err
	case err != nil:
		return nil, fmt.Errorf("asking the go command for its settings: %w: %s", err, bytes.TrimSpace(stderr))
	}
	var users map[string]string
	if err := json.Unmarshal(stdout, &users); err != nil {
		return nil, fmt.Errorf("asking the go command for its settings: %w", err)
	}
	return users, nil
}

// environ is the user's environment with what must not be left to it. What `go env
// -w` has written is left out (GOENV), for an empty variable would not prevail
// over it; what counts of that is named.
func (g *goCommand) environ(proxy string, o *ModuleCacheOptions, users map[string]string) []string {
	flags := ""
	if slices.Contains(strings.Fields(users["GOFLAGS"]), "-modcacherw") {
		flags = "-modcacherw" // the user wants to be able to remove what is there
	}
	return append(os.Environ(),
		"PWD="+g.dir, "GOENV=off", "GO111MODULE=on", "GOTOOLCHAIN=local", "GOWORK=off", "GOFLAGS="+flags,
		"GOPATH="+users["GOPATH"], "GOMODCACHE="+g.moduleCache,
		"GOPROXY="+proxy, "GOPRIVATE=", "GONOPROXY=none", "GOVCS=*:off", "GOAUTH=off",
		"GOSUMDB="+cmp.Or(o.GOSUMDB, users["GOSUMDB"]),
		"GONOSUMDB="+cmp.Or(o.GONOSUMDB, users["GONOSUMDB"], "none"),
	)
}

// fileURL returns the URL of a directory as an element of a GOPROXY list, in which
// commas and bars separate.
func fileURL(dir string) (string, error) {
	if dir == "" {
		return "", errors.New("no cache directory is named to install from")
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	slashed := filepath.ToSlash(dir)
	if !strings.HasPrefix(slashed, "/") {
		slashed = "/" + slashed // file:///C:/...
	}
	u := url.URL{Scheme: "file", Path: slashed}
	return strings.NewReplacer(",", "%2C", "|", "%7C").Replace(u.String()), nil
}

// run runs the go command until it ends. When ctx ends, the go command gets an
// interrupt, and is killed if that does not help; the error is then ctx's.
func (g *goCommand) run(ctx context.Context, args ...string) (stdout, stderr []byte, err error) {
	cmd := exec.CommandContext(ctx, g.file, args...)
	cmd.Dir, cmd.Env = g.dir, g.env
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = grace
	var out, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaint
	err = cmd.Run()
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return out.Bytes(), complaint.Bytes(), err
}
