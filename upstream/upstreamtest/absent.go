package upstreamtest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/breakwater-go/breakwater/upstream"
	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
)

// AbsentModule is the path of a module that does not exist, and that an
// Upstream under test is asked for. The domain is reserved for that (RFC 2606).
const AbsentModule = "absent.invalid/Module"

// absentVersion is older than any module: no source has it by accident.
const absentVersion = ".0.0-19700101000000-000000000000"

func absentModule() upstream.Request {
	req, err := upstream.NewRequest(upstream.List, AbsentModule, "")
	if err != nil {
		panic(err) // a constant that does not parse
	}
	return req
}

// absent returns requests for what nobody has: every kind of file of a module
// that does not exist, and of a version that the modules under test have not.
func (t *tester) absent() []upstream.Request {
	known := make(map[upstream.Request]bool)
	modules := map[string]bool{AbsentModule: true}
	order := []string{AbsentModule}
	for _, f := range t.files {
		known[f.req] = true
		if path := f.req.Module(); path != "" && !f.req.Kind().SumDB() && !modules[path] {
			modules[path] = true
			order = append(order, path)
		}
	}
	reqs := []upstream.Request{absentModule()}
	if latest, err := upstream.NewRequest(upstream.Latest, AbsentModule, ""); err == nil {
		reqs = append(reqs, latest)
	}
	for _, path := range order {
		for _, k := range []upstream.Kind{upstream.Info, upstream.Mod, upstream.Zip} {
			req, err := upstream.NewRequest(k, path, major(path)+absentVersion)
			if err == nil && !known[req] {
				reqs = append(reqs, req)
			}
		}
	}
	return reqs
}

// major returns a major version that fits the module path.
func major(path string) string {
	_, suffix, _ := module.SplitPathVersion(path)
	if prefix := module.PathMajorPrefix(suffix); prefix != "" {
		return semver.Major(prefix)
	}
	return "v0"
}

// notFound checks that absence looks like absence.
func (t *tester) notFound(req upstream.Request) error {
	r, err := t.fetch(context.Background(), req)
	if err != nil {
		return err
	}
	if r.err == nil {
		r.resp.Body.Close()
		return errors.New("served, though it does not exist")
	}
	e, err := named(r.err, req)
	if err != nil {
		return err
	}
	if e.Class != upstream.NotFound {
		return fmt.Errorf("does not exist, but the error is of class %q: %w", e.Class, r.err)
	}
	if !errors.Is(r.err, fs.ErrNotExist) {
		return fmt.Errorf("errors.Is(err, fs.ErrNotExist) is false for %w", r.err)
	}
	return nil
}

// named returns err as an *Error, or a finding if it is none or is about
// another request.
func named(err error, req upstream.Request) (*upstream.Error, error) {
	e, ok := errors.AsType[*upstream.Error](err)
	if !ok {
		return nil, fmt.Errorf("the error is a %T, want an *upstream.Error: %w", err, err)
	}
	if e.Request != req {
		return nil, fmt.Errorf("the error is about another request, %q: %w", e.Request, err)
	}
	return e, nil
}
