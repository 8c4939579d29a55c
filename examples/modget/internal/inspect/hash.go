package inspect

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/breakwater-go/breakwater/verify"
	"golang.org/x/mod/sumdb/dirhash"
)

// A wrongError says that content has no hash because something is wrong with it,
// and not with reading it.
type wrongError struct {
	verdict Verdict
	err     error
}

func (e *wrongError) Error() string { return e.err.Error() }

// maxZipHash bounds a .ziphash file, in bytes. The go command writes 47.
const maxZipHash = 1 << 10

// hash returns the subject's hash in the form of a go.sum file.
func (j *judge) hash(ctx context.Context, s subject) (string, error) {
	if s.sort == unpacked {
		return j.hashUnpacked(ctx, s)
	}
	file, err := j.root.Open(s.file)
	if err != nil {
		return "", err
	}
	defer file.Close()
	switch s.sort {
	case zipFile:
		return hashZip(ctx, file)
	case goModFile:
		return verify.HashMod(file)
	}
	noted, err := io.ReadAll(io.LimitReader(file, maxZipHash))
	return string(bytes.TrimSpace(noted)), err
}

func hashZip(ctx context.Context, file *os.File) (string, error) {
	info, err := file.Stat()
	if err != nil {
		return "", err
	}
	content := &watched{ctx: ctx, file: file}
	hash, err := verify.HashZip(content, info.Size())
	if err == nil {
		return hash, nil
	}
	if failure, ok := errors.AsType[*readError](err); ok {
		return "", failure.err
	}
	return "", &wrongError{Damaged, err}
}

// watched is a file whose failures can be told from those of what is in it, and
// which ends with ctx.
type watched struct {
	ctx  context.Context
	file *os.File
}

type readError struct{ err error }

func (e *readError) Error() string { return e.err.Error() }

func (w *watched) ReadAt(p []byte, at int64) (int, error) {
	if w.ctx.Err() != nil {
		return 0, &readError{context.Cause(w.ctx)}
	}
	n, err := w.file.ReadAt(p, at)
	if err != nil && err != io.EOF {
		err = &readError{err}
	}
	return n, err
}

// hashUnpacked is dirhash.HashDir (golang.org/x/mod/sumdb/dirhash) for a directory
// that may hold anything: it opens nothing that is not a regular file, for a link
// may lead out of the tree and a pipe blocks. No module has such, so where one is
// the directory was modified.
func (j *judge) hashUnpacked(ctx context.Context, s subject) (string, error) {
	names, err := j.unpackedFiles(ctx, s)
	if err != nil {
		return "", err
	}
	prefix := s.module.String()
	return dirhash.Hash1(names, func(name string) (io.ReadCloser, error) {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return j.root.Open(s.file + strings.TrimPrefix(name, prefix))
	})
}

// unpackedFiles returns the names of the files as they are in the module's zip.
func (j *judge) unpackedFiles(ctx context.Context, s subject) ([]string, error) {
	var names []string
	err := fs.WalkDir(j.root.FS(), s.file, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case d.IsDir():
			return nil
		case !d.Type().IsRegular():
			return &wrongError{Modified, fmt.Errorf("%s: %w", name, errIrregular)}
		case strings.Contains(name, "\n"):
			return &wrongError{Modified, fmt.Errorf("%q: no file of a module has such a name", name)}
		case s.module.Path == toolchain && j.isMade(name):
			return nil
		}
		names = append(names, s.module.String()+strings.TrimPrefix(name, s.file))
		return nil
	})
	return slices.Clip(names), err
}

// isMade reports whether the file is one that the go command makes when it uses a
// toolchain for the first time: modules cannot hold the go.mod files of other ones,
// so toolchains have them as _go.mod (cmd/go/internal/toolchain, Exec).
func (j *judge) isMade(name string) bool {
	dir, base := path.Split(name)
	if base != "go.mod" {
		return false
	}
	made, err := j.root.ReadFile(name)
	if err != nil {
		return false
	}
	original, err := j.root.ReadFile(dir + "_go.mod")
	return err == nil && bytes.Equal(made, original)
}
