package upstream

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Dir returns a source that reads the directory dir, which is laid out like
// GOMODCACHE/cache/download: the same tree that GOPROXY=file://dir serves.
// The directory is looked at on each call, so it need not exist yet.
func Dir(dir string) Upstream {
	name := "file://" + filepath.ToSlash(dir)
	return FS(name, os.DirFS(dir))
}

// FS returns a source with the given name that reads fsys, laid out like
// GOMODCACHE/cache/download.
//
// A file that is not there is [NotFound], one that may not be read is [Denied].
// But where the root itself cannot be found, as when a disk is not mounted,
// everything is [Unavailable]: a missing disk does not prove that a module does
// not exist. Bodies over [Kind.MaxSize] are refused.
func FS(name string, fsys fs.FS) Upstream {
	return &fsSource{name, fsys}
}

type fsSource struct {
	name string
	fsys fs.FS
}

func (s *fsSource) Name() string { return s.name }

var errNotRegular = errors.New("not a regular file")

func (s *fsSource) Fetch(ctx context.Context, req Request) (*Response, error) {
	if ctx.Err() != nil {
		return nil, ContextError(ctx, req, s.name)
	}
	if req.Kind() == 0 {
		return nil, &Error{Request: req, Source: s.name, Err: errZeroRequest}
	}
	// To open a pipe would be to wait for whoever writes to it.
	if info, err := fs.Stat(s.fsys, req.Key()); err == nil && !info.Mode().IsRegular() {
		return nil, &Error{Request: req, Source: s.name, Err: errNotRegular}
	}
	file, err := s.fsys.Open(req.Key())
	if err != nil {
		return nil, s.openError(req, err)
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errNotRegular
	}
	if limit := req.Kind().MaxSize(); err == nil && info.Size() > limit {
		err = tooLarge(limit)
	}
	if err != nil {
		file.Close()
		return nil, &Error{Request: req, Source: s.name, Err: err}
	}
	return &Response{Body: file, Size: info.Size(), ModTime: info.ModTime(), Source: s.name}, nil
}

func (s *fsSource) openError(req Request, err error) *Error {
	e := &Error{Request: req, Source: s.name, Err: err}
	switch {
	case errors.Is(err, fs.ErrPermission):
		e.Class = Denied
	case errors.Is(err, fs.ErrNotExist):
		if _, rootErr := fs.Stat(s.fsys, "."); rootErr != nil {
			e.Err = rootErr
			return e
		}
		e.Class = NotFound
	}
	return e
}
