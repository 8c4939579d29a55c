package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/dirhash"
)

// manyMods makes a module with n versions that have a go.mod file each, and nothing
// else. It returns the tree they are in, their keys and their lines of a go.sum file.
func (e *env) manyMods(n int) (tree string, keys []string, sums string, err error) {
	const path = "example.com/many"
	if tree, err = e.tempDir(); err != nil {
		return "", nil, "", err
	}
	if err := os.MkdirAll(filepath.Join(tree, path, "@v"), 0o777); err != nil {
		return "", nil, "", err
	}
	content := goModFile(path)
	hash, err := dirhash.Hash1([]string{"go.mod"}, func(string) (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(content)), nil
	})
	if err != nil {
		return "", nil, "", err
	}
	var lines strings.Builder
	for i := range n {
		key := fmt.Sprintf("%s/@v/v1.0.%d.mod", path, i)
		if err := os.WriteFile(filepath.Join(tree, filepath.FromSlash(key)), []byte(content), 0o666); err != nil {
			return "", nil, "", err
		}
		keys = append(keys, key)
		fmt.Fprintf(&lines, "%s v1.0.%d/go.mod %s\n", path, i, hash)
	}
	return tree, keys, lines.String(), nil
}
