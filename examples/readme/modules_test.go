//go:build unix

package readme_test

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
	"golang.org/x/mod/sumdb/dirhash"
	"golang.org/x/mod/zip"
)

const (
	// root is this repository.
	root = "../.."

	// ourModule is the library, and ourVersion what it is published as for the
	// scripts.
	ourModule  = "github.com/breakwater-go/breakwater"
	ourVersion = "v1.0.0"

	// privateModule is at the source, too, and no checksum database knows of it.
	privateModule = "corp.example/lib"

	// oldModule is from before there were modules, and its version has a "+".
	oldModule  = "old.example/lib"
	oldVersion = "v2.0.0+incompatible"
)

// modules are what the scripts can get: the library as it is in the working tree,
// and what this machine's module cache has, for the library needs that itself.
// Both have the layout of GOMODCACHE/cache/download.
type modules struct {
	trees []string
}

func newModules(t *testing.T) *modules {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "env", "GOMODCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	own, private, old := t.TempDir(), t.TempDir(), t.TempDir()
	err = errors.Join(
		writeFiles(private, map[string]string{"go.mod": "module " + privateModule + "\n\ngo 1.21\n", "lib.go": "package lib\n"}),
		writeFiles(old, map[string]string{"lib.go": "package lib\n"}),
	)
	if err != nil {
		t.Fatal(err)
	}
	for m, dir := range map[module.Version]string{
		{Path: ourModule, Version: ourVersion}:     root,
		{Path: privateModule, Version: ourVersion}: private,
		{Path: oldModule, Version: oldVersion}:     old,
	} {
		if err := publish(own, m, dir); err != nil {
			t.Fatalf("publishing %v: %v", m, err)
		}
	}
	cached := filepath.Join(strings.TrimSpace(string(out)), "cache", "download")
	return &modules{trees: []string{own, cached}}
}

// publish puts the module in a directory into a tree.
func publish(tree string, m module.Version, from string) error {
	dir := filepath.Join(tree, filepath.FromSlash(m.Path), "@v")
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	goMod, err := os.ReadFile(filepath.Join(from, "go.mod"))
	if errors.Is(err, fs.ErrNotExist) {
		goMod, err = []byte("module "+m.Path+"\n"), nil // as the go command makes it
	}
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, m.Version+".mod"), goMod, 0o666); err != nil {
		return err
	}
	file, err := os.Create(filepath.Join(dir, m.Version+".zip"))
	if err != nil {
		return err
	}
	return errors.Join(zip.CreateFromDir(file, m, from), file.Close())
}

// read returns a file of the module proxy protocol. A module cache has no .info
// of what is only required by others, and lists nothing: those are made.
func (m *modules) read(key string) ([]byte, error) {
	switch dir, name := filepath.Split(key); {
	case name == "list":
		return []byte(strings.Join(m.versions(dir), "\n") + "\n"), m.known(dir)
	case name == "@latest":
		return m.latest(dir + "@v")
	case strings.HasSuffix(name, ".info"):
		version := strings.TrimSuffix(name, ".info")
		if _, err := m.stored(dir + version + ".mod"); err != nil {
			return nil, err
		}
		return info(version), nil
	}
	return m.stored(key)
}

func (m *modules) stored(key string) ([]byte, error) {
	for _, tree := range m.trees {
		data, err := os.ReadFile(filepath.Join(tree, filepath.FromSlash(key)))
		if !errors.Is(err, fs.ErrNotExist) {
			return data, err
		}
	}
	return nil, fs.ErrNotExist
}

// versions returns the versions of which there is a zip, sorted, pseudo-versions
// among them. dir is a module's @v directory.
func (m *modules) versions(dir string) []string {
	var versions []string
	for _, tree := range m.trees {
		zips, _ := filepath.Glob(filepath.Join(tree, filepath.FromSlash(dir), "*.zip"))
		for _, file := range zips {
			versions = append(versions, strings.TrimSuffix(filepath.Base(file), ".zip"))
		}
	}
	semver.Sort(versions)
	return versions
}

func (m *modules) known(dir string) error {
	if len(m.versions(dir)) == 0 {
		return fs.ErrNotExist
	}
	return nil
}

func (m *modules) latest(dir string) ([]byte, error) {
	versions := m.versions(dir)
	if len(versions) == 0 {
		return nil, fs.ErrNotExist
	}
	return info(versions[len(versions)-1]), nil
}

// info says of each version that it is old, but for pseudo-versions, which say
// themselves how old they are.
func info(escapedVersion string) []byte {
	version, err := module.UnescapeVersion(escapedVersion)
	if err != nil {
		version = escapedVersion
	}
	made := "2024-05-06T07:08:09Z"
	if t, err := module.PseudoVersionTime(version); err == nil {
		made = t.Format("2006-01-02T15:04:05Z")
	}
	return fmt.Appendf(nil, "{\"Version\":%q,\"Time\":%q}", version, made)
}

// goSum returns what a checksum database knows of a version.
func (m *modules) goSum(path, version string) ([]byte, error) {
	if path == privateModule {
		return nil, fs.ErrNotExist
	}
	escapedPath, err := module.EscapePath(path)
	if err != nil {
		return nil, err
	}
	escapedVersion, err := module.EscapeVersion(version)
	if err != nil {
		return nil, err
	}
	base := escapedPath + "/@v/" + escapedVersion
	goMod, err := m.stored(base + ".mod")
	if err != nil {
		return nil, err
	}
	modHash, err := dirhash.Hash1([]string{"go.mod"}, func(string) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(string(goMod))), nil })
	if err != nil {
		return nil, err
	}
	var lines []byte
	if zipHash, err := m.hashZip(base + ".zip"); err == nil {
		lines = fmt.Appendf(lines, "%s %s %s\n", path, version, zipHash)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return fmt.Appendf(lines, "%s %s/go.mod %s\n", path, version, modHash), nil
}

func (m *modules) hashZip(key string) (string, error) {
	for _, tree := range m.trees {
		h, err := dirhash.HashZip(filepath.Join(tree, filepath.FromSlash(key)), dirhash.Hash1)
		if !errors.Is(err, fs.ErrNotExist) {
			return h, err
		}
	}
	return "", fs.ErrNotExist
}
