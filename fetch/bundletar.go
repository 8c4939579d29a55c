package fetch

import (
	"archive/tar"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/breakwater-go/breakwater/upstream"
)

// BundleLimits bounds what [ReadBundle] unpacks. A nil *BundleLimits and zero
// fields mean the defaults; a negative field is no bound.
type BundleLimits struct {
	// Bytes is how much content there may be, of all files together.
	// Default: 16 GiB.
	Bytes int64

	// Files is how many entries the archive may have, and directories that are
	// made for them. Default: 1,000,000.
	Files int
}

// ErrBundleTooLarge is the cause when an archive is over its [BundleLimits].
var ErrBundleTooLarge = errors.New("the bundle is too large")

// A budget is what is left of limits.
type budget struct{ limits, left BundleLimits }

func newBudget(l *BundleLimits) *budget {
	var limits BundleLimits
	if l != nil {
		limits = *l
	}
	limits.Bytes = cmp.Or(limits.Bytes, 16<<30)
	limits.Files = cmp.Or(limits.Files, 1_000_000)
	return &budget{limits, limits}
}

func (b *budget) take(files int, bytes int64) error {
	switch {
	case b.limits.Files > 0 && b.left.Files < files:
		return fmt.Errorf("%w: more than %d files, raise BundleLimits.Files if you trust its origin", ErrBundleTooLarge, b.limits.Files)
	case b.limits.Bytes > 0 && b.left.Bytes < bytes:
		return fmt.Errorf("%w: more than %d bytes, raise BundleLimits.Bytes if you trust its origin", ErrBundleTooLarge, b.limits.Bytes)
	}
	b.left.Files -= files
	b.left.Bytes -= bytes
	return nil
}

// WriteBundle writes the bundle in dir to w as a tar archive: what a module proxy
// serves, and nothing else that is in the directory. Its files come in the order of
// their names.
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
		if _, err := upstream.ParsePath("/" + name); err != nil {
			return nil // ReadBundle would refuse it
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
// anything else in the archive is an error, and so is what is over the limits, of
// which [ErrBundleTooLarge] is the cause. What was unpacked before an error stays,
// for the caller to remove, or for another call to write over; a file that is not
// whole does not. An archive that ends without an end marker has been cut, and one
// without a file is no bundle: both are errors. What is in the files is for
// [Client.Import] to check.
func ReadBundle(r io.Reader, dir string, limits *BundleLimits) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	left := newBudget(limits)
	end := &trailing{r: r}
	files := 0
	for archive := tar.NewReader(end); ; {
		header, err := archive.Next()
		switch {
		case errors.Is(err, io.EOF):
			return end.check(files)
		case err != nil:
			return fmt.Errorf("reading the bundle, which has to be a tar archive that is not compressed: %w", err)
		case header.Typeflag == tar.TypeDir:
			err = left.take(1, 0)
		default:
			files++
			err = takeFile(root, left, header, archive)
		}
		if err != nil {
			return fmt.Errorf("reading the bundle: %w", err)
		}
	}
}

func takeFile(root *os.Root, left *budget, header *tar.Header, content io.Reader) error {
	req, err := upstream.ParsePath("/" + strings.TrimPrefix(header.Name, "./"))
	switch {
	case header.Typeflag != tar.TypeReg:
		return fmt.Errorf("%q is not a file", header.Name)
	case err != nil:
		return fmt.Errorf("%q is nothing that a module proxy serves", header.Name)
	case header.Size > req.Kind().MaxSize():
		return fmt.Errorf("%q is larger than the %d bytes allowed", header.Name, req.Kind().MaxSize())
	}
	dir := path.Dir(req.Key())
	if err := left.take(1+missingDirs(root, dir), header.Size); err != nil {
		return err
	}
	if err := root.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	file, err := root.OpenFile(req.Key(), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o666)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, content)
	if err = errors.Join(err, file.Close()); err != nil {
		root.Remove(req.Key())
	}
	return err
}

// missingDirs returns how many directories MkdirAll would make.
func missingDirs(root *os.Root, dir string) int {
	n := 0
	for ; dir != "."; dir = path.Dir(dir) {
		if _, err := root.Lstat(dir); err == nil {
			break
		}
		n++
	}
	return n
}

// trailing counts the zero bytes at the end of what was read: a tar archive ends
// with 1,024 of them.
type trailing struct {
	r     io.Reader
	zeros int
}

func (t *trailing) Read(p []byte) (int, error) {
	n, err := t.r.Read(p)
	rest := len(bytes.TrimRight(p[:n], "\x00"))
	if rest > 0 {
		t.zeros = 0
	}
	t.zeros += n - rest
	return n, err
}

var (
	errCut     = errors.New("reading the bundle: it has no end, so a part of it is missing")
	errNothing = errors.New("reading the bundle: no module file is in it")
)

func (t *trailing) check(files int) error {
	switch {
	case t.zeros < 1024:
		return errCut
	case files == 0:
		return errNothing
	}
	return nil
}
