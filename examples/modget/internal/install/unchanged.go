package install

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/verify"
	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb/dirhash"
)

// A ModifiedError says that a directory from an earlier call does not hold what the
// module's zip does: files were edited, added or removed. It was left alone.
type ModifiedError struct {
	Module module.Version
	Dir    string
}

// Error says what to do.
func (e *ModifiedError) Error() string {
	return fmt.Sprintf("%s is not %s as it was downloaded: somebody has changed it: move it away, and the same command unpacks it again", e.Dir, e.Module)
}

var errIrregular = errors.New("it is no regular file, and no module holds such")

// unchanged returns nil if dir holds the files of m and no others, as "go mod verify"
// finds out: by the hash of a go.sum line. It reads both the directory and the zip; a
// [*ModifiedError] is that they differ.
func unchanged(ctx context.Context, f fetch.Fetcher, m module.Version, dir string) error {
	want, err := zipHash(ctx, f, m)
	if err != nil {
		return fmt.Errorf("comparing %s with the zip of %s: %w", dir, m, err)
	}
	got, err := treeHash(ctx, dir, m)
	switch {
	case errors.Is(err, errIrregular) || err == nil && got != want:
		return &ModifiedError{Module: m, Dir: dir}
	case err != nil:
		return fmt.Errorf("comparing %s with the zip of %s: %w", dir, m, err)
	}
	return nil
}

func zipHash(ctx context.Context, f fetch.Fetcher, m module.Version) (string, error) {
	zip, err := upstream.OpenZip(ctx, f, m)
	if err != nil {
		return "", err
	}
	defer zip.Body.Close()
	content, ok := zip.Body.(io.ReaderAt)
	if !ok {
		return "", errors.New("the zip cannot be read at any place of it, as that of a fetch.Client can")
	}
	return verify.HashZip(content, zip.Size)
}

// treeHash is dirhash.HashDir for a directory that may hold anything by now: it opens
// only regular files, for a pipe blocks.
func treeHash(ctx context.Context, dir string, m module.Version) (string, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return "", err
	}
	defer root.Close()
	prefix := m.String() + "/"
	var names []string
	err = fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case !fs.ValidPath(name): // it is not in UTF-8, and cannot be opened as a directory
			return errIrregular
		case err != nil:
			return err
		case d.IsDir():
			return nil
		case !d.Type().IsRegular() || strings.Contains(name, "\n"):
			return errIrregular
		}
		names = append(names, prefix+name)
		return nil
	})
	if err != nil {
		return "", err
	}
	return dirhash.Hash1(names, func(name string) (io.ReadCloser, error) {
		file, err := root.Open(strings.TrimPrefix(name, prefix))
		if err != nil {
			return nil, err
		}
		return untilEnd{file, ctx}, nil
	})
}

// untilEnd is a file that is read until a context ends: whoever has edited a directory
// may have put a file there of any size.
type untilEnd struct {
	io.ReadCloser
	ctx context.Context
}

// Read reads from the file. After the context's end the error is of class Canceled or
// Timeout.
func (u untilEnd) Read(p []byte) (int, error) {
	if u.ctx.Err() != nil {
		return 0, upstream.ContextError(u.ctx, upstream.Request{}, "")
	}
	return u.ReadCloser.Read(p)
}
