package upstream

import (
	"context"
	"fmt"
	"io"

	"golang.org/x/mod/module"
)

// ReadList asks u for the versions that it lists for a module path, in the
// order in which it lists them. Retracted versions and pseudo-versions are among
// them. A source may answer an empty list; see [ReadLatest]. A body that is no list
// is an error of class Unavailable, as for [ParseList].
func ReadList(ctx context.Context, u Upstream, path string) ([]Listed, error) {
	return readParsed(ctx, u, List, path, "", func(_ Request, data []byte) ([]Listed, error) {
		return ParseList(data)
	})
}

// ReadLatest asks u for its latest version of a module path. A source that
// answers "not found" may still have a list. A body that is not what [ParseMetadata]
// takes is an error of class Unavailable.
func ReadLatest(ctx context.Context, u Upstream, path string) (Metadata, error) {
	return readParsed(ctx, u, Latest, path, "", ParseMetadata)
}

// ReadInfo asks u for the metadata of a canonical version, or of the version
// that a version query such as a branch name stands for. A body that is not what
// [ParseMetadata] takes is an error of class Unavailable.
func ReadInfo(ctx context.Context, u Upstream, path, query string) (Metadata, error) {
	return readParsed(ctx, u, Info, path, query, ParseMetadata)
}

// ReadMod asks u for the go.mod file of m, whose version is canonical. What is in the
// file is not looked at. Errors are those of [NewRequest] and [ReadAll].
func ReadMod(ctx context.Context, u Upstream, m module.Version) ([]byte, error) {
	return readParsed(ctx, u, Mod, m.Path, m.Version, func(_ Request, data []byte) ([]byte, error) {
		return data, nil
	})
}

// OpenZip asks u for the zip of m, whose version is canonical. The caller
// closes the response's Body. Errors are those of [NewRequest] and of u.
func OpenZip(ctx context.Context, u Upstream, m module.Version) (*Response, error) {
	req, err := NewRequest(Zip, m.Path, m.Version)
	if err != nil {
		return nil, err
	}
	return u.Fetch(ctx, req)
}

// ReadAll asks u and reads the whole body into memory. A body that breaks off,
// is not as long as announced or exceeds [Kind.MaxSize] is an error of class
// Unavailable. Errors of u are returned as they are.
func ReadAll(ctx context.Context, u Upstream, req Request) ([]byte, error) {
	data, _, err := readAll(ctx, u, req)
	return data, err
}

// readAll also names the source of the data, so that it can be blamed for them.
func readAll(ctx context.Context, u Upstream, req Request) (data []byte, source string, err error) {
	resp, err := u.Fetch(ctx, req)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	limit := req.Kind().MaxSize()
	data, err = io.ReadAll(io.LimitReader(resp.Body, limit+1))
	switch {
	case err != nil:
	case int64(len(data)) > limit:
		err = tooLarge(limit)
	case resp.Size > 0 && int64(len(data)) != resp.Size:
		err = fmt.Errorf("body has %d bytes, %d were announced", len(data), resp.Size)
	}
	if err != nil {
		return nil, "", AsError(err, req, resp.Source)
	}
	return data, resp.Source, nil
}

func readParsed[T any](ctx context.Context, u Upstream, k Kind, path, version string, parse func(Request, []byte) (T, error)) (T, error) {
	var zero T
	req, err := NewRequest(k, path, version)
	if err != nil {
		return zero, err
	}
	data, source, err := readAll(ctx, u, req)
	if err != nil {
		return zero, err
	}
	parsed, err := parse(req, data)
	if err != nil {
		return zero, AsError(err, req, source)
	}
	return parsed, nil
}
