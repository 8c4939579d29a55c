package verify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/upstream"
	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb/tlog"
	"golang.org/x/mod/zip"
)

// ByStructure is the [upstream.Response.Verified] of content that has the form
// that it must have. It says nothing of who made it.
const ByStructure = "structure"

// Structure returns middleware that checks the form of what a source sends, by
// [CheckStructure], and marks what passes as [ByStructure]. What fails is the
// source's failure, of class Unavailable. A body that is not spooled yet is
// spooled first. A spool that cannot be read is nobody's failure but ours: that
// error names no Source.
func Structure() upstream.Middleware {
	return func(next upstream.Upstream) upstream.Upstream {
		return &structure{next, make(chan struct{}, 1)}
	}
}

type structure struct {
	next  upstream.Upstream
	large chan struct{} // full while a large file is being parsed
}

// largeText is the size, in bytes, from which on files are parsed one at a time:
// what is parsed can take a hundred times its size in memory. No honest go.mod
// file or list comes near it.
const largeText = 1 << 20

func (s *structure) check(ctx context.Context, req upstream.Request, content *cache.Spool) error {
	if req.Kind() != upstream.Zip && content.Size() >= largeText {
		select {
		case s.large <- struct{}{}:
			defer func() { <-s.large }()
		case <-ctx.Done():
			return upstream.ContextError(ctx, req, "")
		}
	}
	return CheckStructure(req, content)
}

func (s *structure) Unwrap() upstream.Upstream { return s.next }

func (s *structure) Fetch(ctx context.Context, req upstream.Request) (*upstream.Response, error) {
	resp, err := s.next.Fetch(ctx, req)
	if err != nil {
		return nil, err
	}
	body, ok := resp.Body.(*cache.SpoolReader)
	if !ok {
		if resp, err = takeIn(ctx, req, resp, s.next); err != nil {
			return nil, err
		}
		body = resp.Body.(*cache.SpoolReader)
	}
	if err := s.check(ctx, req, body.Spool()); err != nil {
		resp.Body.Close()
		if _, ok := errors.AsType[*fs.PathError](err); ok {
			return nil, notKept(req, err) // our file could not be made or read
		}
		if e, ok := errors.AsType[*upstream.Error](err); ok {
			return nil, e
		}
		return nil, &upstream.Error{Request: req, Source: resp.Source, Err: err}
	}
	out := *resp
	out.Verified = ByStructure
	return &out, nil
}

// CheckStructure reports what is wrong with the form of content that is said to
// answer req, or nil. The spool must be finished. Content of a zip that is not
// in a file yet is written to one. The error has no class: [Structure] gives it one.
func CheckStructure(req upstream.Request, content *cache.Spool) error {
	if req.Kind() == upstream.Zip {
		return checkZip(req, content)
	}
	data, err := readSpool(content)
	if err != nil {
		return err
	}
	switch req.Kind() {
	case upstream.List:
		_, err = upstream.ParseList(data)
	case upstream.Latest, upstream.Info:
		_, err = upstream.ParseMetadata(req, data)
	case upstream.Mod:
		err = checkMod(data)
	default:
		err = checkSumDB(req, data)
	}
	return err
}

func readSpool(content *cache.Spool) ([]byte, error) {
	if data, ok := content.Bytes(); ok {
		return data, nil
	}
	r := content.Reader(context.Background()) // finished content is never waited for
	defer r.Close()
	return io.ReadAll(r)
}

// checkZip applies the go command's own rules (golang.org/x/mod/zip): every
// entry below path@version/, sizes within the limits, no names that would
// collide or escape.
func checkZip(req upstream.Request, content *cache.Spool) error {
	name, err := content.FileName()
	if err != nil {
		return err
	}
	err = checkZipNames(name)
	if err == nil {
		m := module.Version{Path: req.Module(), Version: req.Version()}
		var checked zip.CheckedFiles
		if checked, err = zip.CheckZip(m, name); err == nil {
			err = checked.Err()
		}
	}
	if err != nil {
		return fmt.Errorf("not a good module zip: %w", err)
	}
	return nil
}

// checkMod accepts what the go command accepts of a dependency's go.mod. The
// module may have another path than the one asked for: a fork that is used by a
// replacement keeps the original's.
func checkMod(data []byte) error {
	f, err := modfile.ParseLax("go.mod", data, nil)
	if err != nil {
		return fmt.Errorf("not a good go.mod file: %w", err)
	}
	if f.Module == nil || f.Module.Mod.Path == "" {
		return errors.New("not a good go.mod file: it names no module")
	}
	return nil
}

func checkSumDB(req upstream.Request, data []byte) error {
	switch req.Kind() {
	case upstream.SumDBSupported:
		if bytes.HasPrefix(bytes.TrimSpace(data), []byte("<")) {
			return errors.New("a page, not the answer of a proxy that speaks for a checksum database")
		}
		return nil
	case upstream.SumDBLatest:
		return checkTreeHead(data)
	case upstream.SumDBLookup:
		_, text, head, err := tlog.ParseRecord(data)
		if err != nil {
			return fmt.Errorf("not a record of a checksum database: %w", err)
		}
		if !bytes.HasPrefix(text, []byte(req.Module()+" "+req.Version()+" ")) {
			return errors.New("a record of another module or version")
		}
		return checkTreeHead(head)
	default:
		return checkTile(req, data)
	}
}

// checkTreeHead checks that data is a tree head with a signature block. Whose
// signature it is, and whether it is good, is not a question of form.
func checkTreeHead(data []byte) error {
	text, signatures, ok := bytes.Cut(data, []byte("\n\n"))
	if ok {
		_, err := tlog.ParseTree(append(bytes.Clone(text), '\n'))
		ok = err == nil && bytes.HasPrefix(signatures, []byte("— "))
	}
	if !ok {
		return errors.New("not a signed tree head of a checksum database")
	}
	return nil
}

func checkTile(req upstream.Request, data []byte) error {
	tile, err := tlog.ParseTilePath(req.Resource())
	if err != nil {
		return err
	}
	if tile.L < 0 { // records, each with an empty line after it
		if bytes.Count(data, []byte("\n\n")) != tile.W || !bytes.HasSuffix(data, []byte("\n\n")) {
			return fmt.Errorf("tile does not hold %d records", tile.W)
		}
		return nil
	}
	if want := tile.W * tlog.HashSize; len(data) != want {
		return fmt.Errorf("tile has %d bytes, not %d", len(data), want)
	}
	return nil
}
