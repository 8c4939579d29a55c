package main

import (
	"context"
	"errors"
	"io"
	"io/fs"

	"github.com/breakwater-go/breakwater/upstream"
)

// A Bucket is what is asked of an object store, a database, or whatever keeps
// content by keys. Get may be called by many goroutines at once, and ends soon
// after ctx, with an error that wraps ctx's.
type Bucket interface {
	// Get opens the object with that key, whose size is in bytes, or -1 where the
	// store does not say. That there is none is fs.ErrNotExist, and nothing else may
	// be: an outage that looks like absence would have the go command choose another
	// version. That it may not be read is fs.ErrPermission. The caller closes the body.
	Get(ctx context.Context, key string) (body io.ReadCloser, size int64, err error)
}

// A shelf is a Bucket as an Upstream.
type shelf struct {
	name   string
	bucket Bucket
}

// Name is what errors, logs and statistics call the source.
func (s shelf) Name() string { return s.name }

// Fetch returns the object whose key is that of the request, which was validated
// when the request was made: nothing in it leads out of the bucket's prefix.
func (s shelf) Fetch(ctx context.Context, req upstream.Request) (*upstream.Response, error) {
	if req.Kind() == 0 {
		return nil, &upstream.Error{Source: s.name, Err: errors.New("nothing is asked for")}
	}
	body, size, err := s.bucket.Get(ctx, req.Key())
	switch {
	case err == nil:
		return &upstream.Response{Body: body, Size: size, Source: s.name}, nil
	case ctx.Err() != nil:
		return nil, upstream.ContextError(ctx, req, s.name)
	case errors.Is(err, fs.ErrNotExist):
		return nil, &upstream.Error{Class: upstream.NotFound, Request: req, Source: s.name}
	case errors.Is(err, fs.ErrPermission):
		return nil, &upstream.Error{Class: upstream.Denied, Request: req, Source: s.name, Err: err}
	}
	return nil, &upstream.Error{Class: upstream.Unavailable, Request: req, Source: s.name, Err: err}
}
