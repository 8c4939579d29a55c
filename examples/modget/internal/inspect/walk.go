package inspect

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/breakwater-go/breakwater/upstream"
	"golang.org/x/mod/module"
)

// A sort is what a subject is, and so how it is hashed.
type sort uint8

const (
	zipFile sort = iota
	goModFile
	zipHashFile
	unpacked
)

// A subject is a file or an unpacked directory that can be verified.
type subject struct {
	module module.Version
	sort   sort
	file   string // its name in the tree
}

// kind is the file that the subject's hash is the hash of.
func (s subject) kind() upstream.Kind {
	if s.sort == goModFile {
		return upstream.Mod
	}
	return upstream.Zip
}

// A walker finds the subjects in a tree.
type walker struct {
	root      *os.Root
	downloads string // where files as they came from a proxy are: "cache/download/" in GOMODCACHE, else empty
	found     int    // how many subjects there were, to be read when walk has returned
	err       error  // why there may be more
}

func newWalker(root *os.Root) *walker {
	w := &walker{root: root}
	if info, err := root.Stat("cache/download"); err == nil && info.IsDir() {
		w.downloads = "cache/download/"
	}
	return w
}

// walk sends subjects as they are found, and a finding of what cannot be walked.
// It ends early when ctx does.
func (w *walker) walk(ctx context.Context, found chan<- subject, findings chan<- Finding) {
	w.err = fs.WalkDir(w.root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil:
			return fs.SkipAll
		case name == ".":
			return err
		case err != nil:
			findings <- Finding{File: name, Verdict: Unreadable, Err: err}
			return nil
		case d.IsDir() && w.isOther(name):
			return fs.SkipDir
		}
		s, isSubject := w.subject(name, d.IsDir())
		if isSubject {
			w.found++
		}
		if err := w.irregular(name, d, isSubject); err != nil {
			findings <- Finding{Module: s.module, File: name, Verdict: Unreadable, Err: err}
			return nil
		}
		if !isSubject {
			return nil
		}
		switch {
		case s.sort != unpacked:
			found <- s
			return nil
		case !w.isPartial(s.module):
			found <- s
		}
		return fs.SkipDir
	})
}

// isOther reports whether a directory is of those that belong to a layout and hold
// no modules: the checksum database's, Breakwater's own, in GOMODCACHE repositories.
func (w *walker) isOther(name string) bool {
	if strings.HasPrefix(path.Base(name), ".") || name == w.downloads+"sumdb" {
		return true
	}
	return w.downloads != "" && path.Dir(name) == "cache" && name+"/" != w.downloads
}

// irregular says why what has that name cannot be read; nil if it can, or is
// nothing of ours. A link to a directory might be one to modules.
func (w *walker) irregular(name string, d fs.DirEntry, isSubject bool) error {
	switch {
	case d.IsDir() || d.Type().IsRegular():
		return nil
	case d.Type()&fs.ModeSymlink != 0:
		info, err := w.root.Stat(name)
		if err == nil && info.Mode().IsRegular() {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%w (%w)", errLink, err)
		}
		return errLink
	case isSubject:
		return errIrregular // to open it might block for ever
	}
	return nil
}

// subject says what has that name.
func (w *walker) subject(name string, isDir bool) (s subject, ok bool) {
	key, downloaded := strings.CutPrefix(name, w.downloads)
	switch {
	case isDir:
		m, ok := unpackedName(name)
		return subject{m, unpacked, name}, ok
	case !downloaded:
		return subject{}, false
	}
	s = subject{sort: zipFile, file: name}
	if zip, ok := strings.CutSuffix(key, "hash"); ok {
		key, s.sort = zip, zipHashFile
	}
	req, err := upstream.ParsePath("/" + key)
	switch {
	case err != nil:
		return subject{}, false
	case req.Kind() == upstream.Mod && s.sort == zipFile:
		s.sort = goModFile
	case req.Kind() != upstream.Zip:
		return subject{}, false
	}
	s.module = module.Version{Path: req.Module(), Version: req.Version()}
	return s, true
}

// unpackedName reads a directory's name as the go command makes it: path@version,
// both escaped.
func unpackedName(name string) (module.Version, bool) {
	escapedPath, escapedVersion, ok := strings.Cut(name, "@")
	if !ok {
		return module.Version{}, false
	}
	req, err := upstream.ParsePath("/" + escapedPath + "/@v/" + escapedVersion + ".zip")
	if err != nil {
		return module.Version{}, false
	}
	return module.Version{Path: req.Module(), Version: req.Version()}, true
}

// besideZip returns the name of the file beside a module's zip that has another
// suffix.
func besideZip(downloads string, m module.Version, suffix string) (string, error) {
	req, err := upstream.NewRequest(upstream.Zip, m.Path, m.Version)
	if err != nil {
		return "", err
	}
	return downloads + strings.TrimSuffix(req.Key(), ".zip") + suffix, nil
}

// isPartial reports whether the go command has begun to unpack the module and not
// finished. It is as good as absent to it.
func (w *walker) isPartial(m module.Version) bool {
	mark, err := besideZip(w.downloads, m, ".partial")
	if err != nil {
		return false
	}
	_, err = w.root.Lstat(mark)
	return err == nil
}
