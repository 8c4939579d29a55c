package gocmd

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// A workspace is the directory that one go command has to itself: its module
// cache, its home, its temporary files, and the traces that git leaves.
type workspace struct {
	dir     string
	module  string // that it was made for, whose repository it may hold
	private bool   // it was made for a module of Options.Private, and has credentials
	root    string // module path of the root of the last repository in it
}

// The parts of a workspace.
func (w *workspace) home() string     { return filepath.Join(w.dir, "home") }
func (w *workspace) modcache() string { return filepath.Join(w.dir, "mod") }
func (w *workspace) gopath() string   { return filepath.Join(w.dir, "gopath") }
func (w *workspace) cache() string    { return filepath.Join(w.dir, "cache") }
func (w *workspace) tmp() string      { return filepath.Join(w.dir, "tmp") }

// Files that are there once git ran, or was refused a host.
func (w *workspace) events() string     { return filepath.Join(w.dir, "events") }
func (w *workspace) transfers() string  { return filepath.Join(w.dir, "transfers") }
func (w *workspace) sshRefused() string { return filepath.Join(w.dir, "ssh-refused") }
func (w *workspace) sshScript() string  { return filepath.Join(w.dir, "ssh") }

// newWorkspace makes a workspace below parent.
func newWorkspace(parent, module string, s *settings) (*workspace, error) {
	dir, err := os.MkdirTemp(parent, "w")
	if err != nil {
		return nil, err
	}
	w := &workspace{dir: dir, module: module, private: s.isPrivate(module), root: module}
	if err := w.furnish(s); err != nil {
		w.remove()
		return nil, err
	}
	return w, nil
}

func (w *workspace) furnish(s *settings) error {
	for _, dir := range []string{w.home(), w.tmp(), filepath.Dir(w.telemetry())} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
	}
	// With telemetry on, the go command starts a process in a session of its
	// own, which no signal to the group reaches.
	if err := os.WriteFile(w.telemetry(), []byte("off"), 0o600); err != nil {
		return err
	}
	if !w.private {
		return nil
	}
	if err := w.linkNetrc(s.Netrc); err != nil {
		return err
	}
	if len(s.SSHHosts) == 0 {
		return nil
	}
	return os.WriteFile(w.sshScript(), []byte(sshScript(s, w.sshRefused())), 0o700)
}

// telemetry is the file by which "go telemetry off" is remembered
// (golang.org/x/telemetry, below os.UserConfigDir).
func (w *workspace) telemetry() string {
	config := filepath.Join(w.home(), ".config")
	switch runtime.GOOS {
	case "windows":
		config = filepath.Join(w.home(), "AppData")
	case "darwin", "ios":
		config = filepath.Join(w.home(), "Library", "Application Support")
	}
	return filepath.Join(config, "go", "telemetry", "mode")
}

// linkNetrc puts the user's netrc file where git's HTTP library looks for it,
// without a copy of what is in it where that can be avoided.
func (w *workspace) linkNetrc(file string) error {
	name := filepath.Join(w.home(), netrcName())
	content, partly, err := forGit(file)
	if err != nil {
		return err
	}
	if partly {
		return os.WriteFile(name, []byte(content), 0o600)
	}
	if err := os.Symlink(file, name); err == nil {
		return nil
	}
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return os.WriteFile(name, data, 0o600)
}

// reset removes what the last command left for our eyes, and the unpacked
// modules, which nobody looks at: they would become more and more.
func (w *workspace) reset() error {
	hosts, err := os.ReadDir(w.modcache())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, host := range hosts {
		if host.Name() == "cache" {
			continue
		}
		if err := os.RemoveAll(filepath.Join(w.modcache(), host.Name())); err != nil {
			return err
		}
	}
	for _, file := range []string{w.events(), w.transfers(), w.sshRefused()} {
		if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// cached is a file in the module cache, which has the layout of the protocol.
func (w *workspace) cached(key string) string {
	return filepath.Join(w.modcache(), "cache", "download", filepath.FromSlash(key))
}

// writable checks that the disk still takes files: on a full one commands fail
// in ways that look like a module's.
func (w *workspace) writable() error {
	file, err := os.CreateTemp(w.tmp(), "probe")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	_, err = file.Write(bytes.Repeat([]byte{1}, 1<<20))
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return fmt.Errorf("no room for scratch files: %w", err)
	}
	return nil
}

// remove deletes the workspace. -modcacherw keeps the module cache's directories
// writable; where one is not, because something was interrupted, it is made so.
func (w *workspace) remove() error {
	if err := os.RemoveAll(w.dir); err == nil {
		return nil
	}
	filepath.WalkDir(w.dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			os.Chmod(path, 0o700)
		}
		return nil
	})
	return os.RemoveAll(w.dir)
}
