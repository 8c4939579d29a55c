package manifest

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/module"
)

// Args returns what the arguments of a command line want: "path" and "path@query"
// for what a query stands for, where a path alone is its latest version;
// "path@version"; and names of files, which are read as by [Read].
//
// An argument is a file's name if it begins with a dot or a slash, ends as such
// files do (.mod, .sum, .work, .txt), or if there is a file of that name. With an @
// in it, it is a module, unless it begins with a dot or a slash.
//
// The error is an [*Error] about the first argument that is wrong.
func Args(args []string) (Manifest, error) {
	var m Manifest
	for _, arg := range args {
		if isFile(arg) {
			read, err := Read(arg)
			if err != nil {
				return Manifest{}, err
			}
			m = m.Add(read)
			continue
		}
		if err := m.wantArg(arg); err != nil {
			return Manifest{}, &Error{Err: err}
		}
	}
	return m.settled(), nil
}

var errNoArgument = errors.New("an argument is empty: name a module, such as example.com/mod@v1.2.3, or a file")

func (m *Manifest) wantArg(arg string) error {
	if arg == "" {
		return errNoArgument
	}
	path, query, ok := strings.Cut(arg, "@")
	if !ok {
		query = latest
	}
	return m.want(path, query)
}

// isFile reports whether an argument is a file's name. A directory's is one where it
// cannot be a module path, so that the error can speak of it.
func isFile(arg string) bool {
	if strings.HasPrefix(arg, ".") || filepath.IsAbs(arg) {
		return true
	}
	if strings.Contains(arg, "@") || strings.Contains(arg, "...") {
		return false
	}
	if slices.Contains([]string{".mod", ".sum", ".work", ".txt"}, filepath.Ext(arg)) {
		return true
	}
	info, err := os.Stat(arg)
	return err == nil && (!info.IsDir() || module.CheckPath(arg) != nil)
}
