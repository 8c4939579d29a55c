package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/breakwater-go/breakwater/upstream"
	"golang.org/x/mod/module"
	"golang.org/x/mod/zip"
)

// SaveZip downloads the zip of m, whose version is canonical, to a file. The
// file appears whole or not at all: it is written beside its place, synced and
// renamed, replacing what was there. Errors are those of f, of type [*upstream.Error],
// and of the file.
func SaveZip(ctx context.Context, f Fetcher, m module.Version, file string) (err error) {
	resp, err := upstream.OpenZip(ctx, f, m)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	temp, err := os.CreateTemp(filepath.Dir(file), ".breakwater-*")
	if err != nil {
		return fmt.Errorf("saving %s: %w", m, err)
	}
	defer func() {
		if err != nil {
			temp.Close()
			os.Remove(temp.Name())
			err = fmt.Errorf("saving %s: %w", m, err)
		}
	}()
	if _, err := io.Copy(temp, resp.Body); err != nil {
		return err
	}
	if err := errors.Join(temp.Chmod(0o644), temp.Sync(), temp.Close()); err != nil {
		return err
	}
	return os.Rename(temp.Name(), file)
}

// Extract downloads the zip of m, whose version is canonical, and unpacks the
// module's files into dir, which must not exist yet or be empty. The limits and
// rules are the go command's (golang.org/x/mod/zip). The zip is in the directory for
// temporary files meanwhile. Errors are those of f, of type [*upstream.Error], and of
// the files. After an error, dir may hold part of them.
func Extract(ctx context.Context, f Fetcher, m module.Version, dir string) error {
	if files, err := os.ReadDir(dir); err == nil && len(files) > 0 {
		return fmt.Errorf("extracting %s: %s is not empty: remove it, or name another directory", m, dir)
	}
	temp, err := os.MkdirTemp("", "breakwater-extract-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	file := filepath.Join(temp, "module.zip")
	if err := SaveZip(ctx, f, m, file); err != nil {
		return err
	}
	if err := zip.Unzip(dir, m, file); err != nil {
		return fmt.Errorf("extracting %s: %w", m, err)
	}
	return nil
}
