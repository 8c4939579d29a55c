package upstream_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/breakwater-go/breakwater/upstream"
	"golang.org/x/mod/module"
)

// Objects is what an object store or a database can do: get one thing by its key.
// That there is none is an error that is fs.ErrNotExist.
type Objects interface {
	Get(ctx context.Context, key string) ([]byte, error)
}

// A bucket is a source of modules over Objects.
type bucket struct {
	objects Objects
	name    string
}

func (s *bucket) Name() string { return s.name }

func (s *bucket) Fetch(ctx context.Context, req upstream.Request) (*upstream.Response, error) {
	content, err := s.objects.Get(ctx, req.Key())
	switch {
	case ctx.Err() != nil:
		return nil, upstream.ContextError(ctx, req, s.name)
	case errors.Is(err, fs.ErrNotExist):
		return nil, &upstream.Error{Class: upstream.NotFound, Request: req, Source: s.name}
	case err != nil: // an outage must not look like absence: the zero Class is Unavailable
		return nil, &upstream.Error{Request: req, Source: s.name, Err: err}
	}
	return &upstream.Response{Body: io.NopCloser(bytes.NewReader(content)), Size: int64(len(content)), Source: s.name}, nil
}

// table is the object store of this example.
type table map[string]string

func (t table) Get(_ context.Context, key string) ([]byte, error) {
	content, ok := t[key]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return []byte(content), nil
}

// A source of your own. Package upstreamtest checks that it keeps the promises.
func ExampleUpstream() {
	var source upstream.Upstream = &bucket{name: "bucket", objects: table{
		"corp.example/lib/@v/v1.0.0.mod": "module corp.example/lib\n",
	}}
	ctx := context.Background()
	goMod, err := upstream.ReadMod(ctx, source, module.Version{Path: "corp.example/lib", Version: "v1.0.0"})
	fmt.Printf("%s%v\n", goMod, err)
	_, err = upstream.ReadMod(ctx, source, module.Version{Path: "corp.example/lib", Version: "v1.1.0"})
	fmt.Println(err)
	// Output:
	// module corp.example/lib
	// <nil>
	// corp.example/lib@v1.1.0 (mod): bucket: not found
}
