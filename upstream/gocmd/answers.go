package gocmd

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
)

// arguments returns the go command that gets what req asks for, and no more than
// that: the metadata and the go.mod file do not need the zip. With -e, failures
// to get a module are part of the answer; with -x, standard error tells what is
// run.
func arguments(req upstream.Request) []string {
	path := req.Module()
	switch req.Kind() {
	case upstream.List:
		return []string{"list", "-m", "-x", "-e", "-json", "-versions", "-retracted", "--", path}
	case upstream.Latest:
		return []string{"list", "-m", "-x", "-e", "-json", "--", path + "@latest"}
	case upstream.Zip:
		return []string{"mod", "download", "-x", "-json", "--", path + "@" + req.Version()}
	}
	return []string{"list", "-m", "-x", "-e", "-json", "--", path + "@" + req.Version()}
}

// described is what "go list -m -json" and "go mod download -json" print of a
// module, as far as it matters here.
type described struct {
	Version  string
	Versions []string
	Time     *time.Time
	Origin   json.RawMessage
	Error    json.RawMessage // an object with Err, or a string
}

// describe reads what a command printed; ok is whether that is one description.
func describe(out output) (d described, ok bool) {
	if !out.whole {
		return d, false
	}
	dec := json.NewDecoder(bytes.NewReader(out.stdout))
	return d, dec.Decode(&d) == nil && !dec.More()
}

// failure is what went wrong with the module, in the go command's words; empty
// if nothing did.
func (d described) failure() string {
	if len(d.Error) == 0 {
		return ""
	}
	var e struct{ Err string }
	if json.Unmarshal(d.Error, &e) == nil {
		return e.Err
	}
	var text string
	json.Unmarshal(d.Error, &text)
	return text
}

// answer makes the Response of what a command that succeeded left.
func (s *Source) answer(req upstream.Request, d described, w *workspace) (*upstream.Response, error) {
	switch req.Kind() {
	case upstream.List:
		return s.bytes(req, list(d.Versions))
	case upstream.Latest, upstream.Info:
		return s.metadata(req, d)
	case upstream.Mod:
		data, err := os.ReadFile(w.cached(req.Key()))
		if err != nil {
			return nil, err
		}
		return s.bytes(req, data)
	}
	return s.file(req, w)
}

// list makes an @v/list answer. As with other proxies there are no
// pseudo-versions in it.
func list(versions []string) []byte {
	var b bytes.Buffer
	for _, v := range versions {
		if module.CanonicalVersion(v) == v && semver.IsValid(v) && !module.IsPseudoVersion(v) {
			b.WriteString(v + "\n")
		}
	}
	return b.Bytes()
}

// metadata makes an .info answer in the go command's own form
// (cmd/go/internal/modfetch, type RevInfo).
func (s *Source) metadata(req upstream.Request, d described) (*upstream.Response, error) {
	info := struct {
		Version string
		Time    time.Time
		Origin  json.RawMessage `json:",omitempty"`
	}{Version: d.Version}
	if d.Time != nil {
		info.Time = *d.Time
	}
	if len(d.Origin) > 0 {
		var compact bytes.Buffer
		if err := json.Compact(&compact, d.Origin); err != nil {
			return nil, err
		}
		info.Origin = compact.Bytes()
	}
	data, err := json.Marshal(info)
	if err != nil {
		return nil, err
	}
	if _, err := upstream.ParseMetadata(req, data); err != nil {
		return nil, err
	}
	return s.bytes(req, data)
}

func (s *Source) bytes(req upstream.Request, data []byte) (*upstream.Response, error) {
	if limit := req.Kind().MaxSize(); int64(len(data)) > limit {
		return nil, fmt.Errorf("the answer has %d bytes, more than %d", len(data), limit)
	}
	return &upstream.Response{
		Body:   io.NopCloser(bytes.NewReader(data)),
		Size:   int64(len(data)),
		Source: s.Name(),
	}, nil
}

// file takes a file out of the workspace, so that it may be removed or used
// again while the answer is read.
func (s *Source) file(req upstream.Request, w *workspace) (*upstream.Response, error) {
	place, err := os.MkdirTemp(s.files.dir, "a")
	if err != nil {
		return nil, err
	}
	body, err := takeFile(w.cached(req.Key()), place)
	if err != nil {
		os.RemoveAll(place)
		return nil, err
	}
	info, err := body.Stat()
	if err == nil && info.Size() > req.Kind().MaxSize() {
		err = fmt.Errorf("the answer has %d bytes, more than %d", info.Size(), req.Kind().MaxSize())
	}
	if err != nil {
		body.Close()
		return nil, err
	}
	return &upstream.Response{Body: body, Size: info.Size(), Source: s.Name()}, nil
}

// A taken file is removed with its directory when it is closed, or at once where
// the system lets open files be removed.
type taken struct {
	*os.File
	place string
}

func takeFile(from, place string) (*taken, error) {
	name := filepath.Join(place, filepath.Base(from))
	if err := os.Rename(from, name); err != nil {
		return nil, err
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	t := &taken{file, place}
	if os.RemoveAll(place) == nil {
		t.place = ""
	}
	return t, nil
}

// Close ends the reading and removes the file.
func (t *taken) Close() error {
	err := t.File.Close()
	if t.place == "" {
		return err
	}
	if rmErr := os.RemoveAll(t.place); err == nil {
		err = rmErr
	}
	return err
}

// hasZip reports whether the zip is there, complete and hashed. It may be even if
// the command failed, for it also unpacks it.
func hasZip(req upstream.Request, w *workspace) bool {
	if req.Kind() != upstream.Zip {
		return false
	}
	for _, suffix := range []string{"", "hash"} {
		if _, err := os.Stat(w.cached(req.Key() + suffix)); err != nil {
			return false
		}
	}
	return true
}
