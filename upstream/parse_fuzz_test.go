package upstream_test

import (
	"io/fs"
	"testing"

	"github.com/breakwater-go/breakwater/upstream"
)

// Whatever is accepted has one spelling, is safe as a file name, and can be
// built again from what it says of itself.
func FuzzParsePath(f *testing.F) {
	for _, test := range goodPaths {
		f.Add(test.path)
	}
	for _, path := range badPaths {
		if len(path) < 4096 {
			f.Add(path)
		}
	}
	f.Fuzz(func(t *testing.T, path string) {
		req, err := upstream.ParsePath(path)
		if err != nil {
			wantError(t, err, upstream.NotFound)
			if !isPrintable(err.Error()) {
				t.Errorf("error is not one printable line: %q", err)
			}
			return
		}
		if req.URLPath() != path {
			t.Errorf("URLPath is %q", req.URLPath())
		}
		if !fs.ValidPath(req.Key()) {
			t.Errorf("%q is not a valid path in a file system", req.Key())
		}
		built, err := build(partsOf(req), req.Key())
		if err != nil {
			t.Fatalf("cannot be built from its parts %+v: %v", partsOf(req), err)
		}
		if built != req {
			t.Errorf("built from its parts it is %+v, not %+v", built, req)
		}
	})
}
