package fetch

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/breakwater-go/breakwater/upstream"
)

// WriteBundle writes the bundle in dir to w as a tar archive, without what the
// store keeps beside it. Its files come in the order of their names.
func WriteBundle(w io.Writer, dir string) error {
	archive := tar.NewWriter(w)
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	err = fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && name != "." && strings.HasPrefix(name, "."):
			return fs.SkipDir
		case !d.Type().IsRegular():
			return nil
		}
		return addFile(archive, root, name)
	})
	return errors.Join(err, archive.Close())
}

func addFile(archive *tar.Writer, root *os.Root, name string) error {
	file, err := root.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	header := &tar.Header{Name: name, Mode: 0o644, Size: info.Size(), ModTime: info.ModTime(), Format: tar.FormatPAX}
	if err := archive.WriteHeader(header); err != nil {
		return err
	}
	_, err = io.Copy(archive, file)
	return err
}

// ReadBundle unpacks a tar archive of a bundle into dir, which is made. Only what
// a module proxy serves is taken, each file up to the size that its kind may have;
// anything else in the archive is an error. What is in the files is for
// [Client.Import] to check.
func ReadBundle(r io.Reader, dir string) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	for archive := tar.NewReader(r); ; {
		header, err := archive.Next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("reading the bundle: %w", err)
		case header.Typeflag == tar.TypeDir:
			continue
		}
		if err := takeFile(root, header, archive); err != nil {
			return fmt.Errorf("reading the bundle: %w", err)
		}
	}
}

func takeFile(root *os.Root, header *tar.Header, content io.Reader) error {
	req, err := upstream.ParsePath("/" + strings.TrimPrefix(header.Name, "./"))
	switch {
	case header.Typeflag != tar.TypeReg:
		return fmt.Errorf("%q is not a file", header.Name)
	case err != nil:
		return fmt.Errorf("%q is nothing that a module proxy serves", header.Name)
	case header.Size > req.Kind().MaxSize():
		return fmt.Errorf("%q is larger than the %d bytes allowed", header.Name, req.Kind().MaxSize())
	}
	if err := root.MkdirAll(path.Dir(req.Key()), 0o777); err != nil {
		return err
	}
	file, err := root.OpenFile(req.Key(), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o666)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, content)
	return errors.Join(err, file.Close())
}
