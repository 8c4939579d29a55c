//go:build unix

package readme_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/mod/modfile"
)

// TestSkeletons is that what CONTRIBUTING.md shows as a source, a store and a
// middleware passes the tests that it shows.
func TestSkeletons(t *testing.T) {
	doc, err := readDocument(filepath.Join(root, "CONTRIBUTING.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"Add a source", "Add a store", "Add a middleware"} {
		t.Run(name, func(t *testing.T) {
			section, err := doc.section(name)
			if err != nil {
				t.Fatal(err)
			}
			testSkeleton(t, section)
		})
	}
}

// packageClause names a file's package.
var packageClause = regexp.MustCompile(`(?m)^package (\w+)$`)

// testSkeleton tests a section's files as a package of the module example.com.
func testSkeleton(t *testing.T, s *section) {
	files := map[string]string{}
	for _, b := range s.blocks {
		if match := packageClause.FindStringSubmatch(b.text); b.language == "go" && match != nil {
			files[filepath.Join(strings.TrimSuffix(match[1], "_test"), match[1]+".go")] = b.text
		}
	}
	if len(files) != 2 {
		t.Fatalf("section %q has %d files, want a skeleton and its test", s.name, len(files))
	}
	dir := t.TempDir()
	if err := errors.Join(writeFiles(dir, files), requireLibrary(dir)); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "go", "test", "./...")
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// requireLibrary makes dir the module example.com, which uses the working tree with
// the very versions that this has, so that nothing has to be downloaded.
func requireLibrary(dir string) error {
	library, err := filepath.Abs(root)
	if err != nil {
		return err
	}
	goMod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		return err
	}
	goSum, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if err != nil {
		return err
	}
	file, err := modfile.Parse("go.mod", goMod, nil)
	if err != nil {
		return err
	}
	if err := errors.Join(file.AddModuleStmt("example.com"), file.AddRequire(ourModule, "v0.0.0"), file.AddReplace(ourModule, "", library, "")); err != nil {
		return err
	}
	goMod, err = file.Format()
	if err != nil {
		return err
	}
	return writeFiles(dir, map[string]string{"go.mod": string(goMod), "go.sum": string(goSum)})
}
