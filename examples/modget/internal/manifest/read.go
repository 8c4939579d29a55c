package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

// maxFile bounds a file, in bytes. It is what the go command allows a go.mod file
// of a module to be (cmd/go/internal/modfetch/codehost, MaxGoMod); the others get
// no more, and a go.sum file of that size lists some 150,000 files.
const maxFile = 16 << 20

// Read returns what a file wants. Its name says what it is:
//
//   - go.mod and *.mod: the requirements, after the replace directives; with the
//     go.sum (*.sum) file beside it also the go.mod files that are listed there.
//     That is all that "go mod download", "go build" and "go mod vendor" ask for.
//     Where the go line is below 1.17, requirements of requirements are not in the
//     file, and the zips that go.sum lists are wanted too;
//   - go.sum and *.sum: the zips and the go.mod files that are listed;
//   - go.work and *.work: what the go.mod file of each used directory wants, by
//     the replace directives of all, with their go.sum files, and what go.work.sum
//     lists. Modules of the workspace are not wanted;
//   - modules.txt: the modules that were vendored, with the go.sum file of the
//     directory above, if there is one;
//   - anything else: a list, as for [ReadList].
//
// A module that is replaced by a directory is skipped, and that directory's go.mod
// file is not read: what a build needs of its requirements is in the main module's
// go.mod file (since Go 1.17) or go.sum file.
//
// Files are read to the end at once, up to 16 MiB each. The error is an [*Error].
func Read(file string) (Manifest, error) {
	data, err := readFile(file)
	if err != nil {
		return Manifest{}, err
	}
	m, err := parse(file, data)
	return m.settled(), err
}

func parse(file string, data []byte) (Manifest, error) {
	switch {
	case strings.HasSuffix(file, ".mod"):
		return parseGoMod(file, data)
	case strings.HasSuffix(file, ".sum"):
		return parseGoSum(file, data)
	case strings.HasSuffix(file, ".work"):
		return parseGoWork(file, data)
	case filepath.Base(file) == "modules.txt":
		return parseVendor(file, data)
	}
	return parseList(file, data)
}

// readFile reads a file that must have something in it.
func readFile(file string) ([]byte, error) {
	data, err := readAnyFile(file)
	if err == nil && len(bytes.TrimSpace(data)) == 0 {
		return nil, at(file, 0, "the file is empty: name one that lists modules")
	}
	return data, err
}

func readAnyFile(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, unreadable(file, err)
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return nil, at(file, 0, "is a directory: name a file in it, such as %s", filepath.Join(file, "go.mod"))
	}
	return readText(file, f)
}

// unreadable says what to do about a file that the system does not give.
func unreadable(file string, err error) error {
	if inner, ok := errors.AsType[*fs.PathError](err); ok {
		err = inner.Err // the name is said once
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return at(file, 0, "%w: check the name and the directory", err)
	case errors.Is(err, fs.ErrPermission):
		return at(file, 0, "%w: run as a user who may read it, or change its mode", err)
	}
	return at(file, 0, "the file cannot be read: %w", err)
}

// readText reads what must be text without merge conflicts in it.
func readText(file string, r io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return nil, unreadable(file, err)
	}
	if len(data) > maxFile {
		return nil, at(file, 0, "is larger than %d MiB, as no list of modules is: check the name", maxFile>>20)
	}
	if !utf8.Valid(data) || bytes.IndexByte(data, 0) >= 0 {
		return nil, at(file, 0, "is not a text file in UTF-8: check the name, or save it in that encoding")
	}
	return data, unmerged(file, data)
}

// unmerged finds what git leaves in a file that could not be merged.
func unmerged(file string, data []byte) error {
	number := 0
	for line := range bytes.Lines(data) {
		number++
		for _, marker := range []string{"<<<<<<<", "|||||||", "=======", ">>>>>>>"} {
			if bytes.HasPrefix(line, []byte(marker)) {
				return at(file, number, "a merge conflict is not resolved: resolve it%s", afterMerge(file))
			}
		}
	}
	return nil
}

// afterMerge says what a file needs whose conflict was resolved by hand.
func afterMerge(file string) string {
	switch base := filepath.Base(file); base {
	case "go.mod", "go.sum":
		return `, then run "go mod tidy"`
	case "go.work", "go.work.sum":
		return `, then run "go work sync"`
	case "modules.txt":
		return `, or run "go mod vendor" again`
	}
	return fmt.Sprintf(" in %s and try again", filepath.Base(file))
}
