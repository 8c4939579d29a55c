package verify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/breakwater-go/breakwater/upstream"
	"golang.org/x/mod/module"
)

// A GoSum is a [Verifier] that knows what is listed in go.sum files, and
// nothing else: on its own it is strict, and what is not listed is denied. With
// [Sequence] another Verifier speaks for the rest.
//
// It is what the files said when it was made, and may be used by many
// goroutines.
type GoSum struct{ files []sumFile }

// ReadGoSum reads go.sum and go.work.sum files. Where they list several h1
// hashes of one thing, one of them must match. A file that does not exist is an
// error: a mistyped name must not pass for a file that lists nothing. So is what is no
// regular file, such as a pipe, or larger than [MaxGoSum]: [ErrNotGoSum].
func ReadGoSum(files ...string) (*GoSum, error) {
	if len(files) == 0 {
		return nil, errNoGoSum
	}
	g := new(GoSum)
	for _, name := range files {
		data, err := readSumFile(name)
		if err != nil {
			return nil, err
		}
		f, err := parseSumFile(name, data)
		if err != nil {
			return nil, err
		}
		g.files = append(g.files, f)
	}
	return g, nil
}

var errNoGoSum = errors.New("no go.sum file was named")

// ParseGoSum is [ReadGoSum] for the content of one file.
func ParseGoSum(name string, data []byte) (*GoSum, error) {
	f, err := parseSumFile(name, data)
	if err != nil {
		return nil, err
	}
	return &GoSum{[]sumFile{f}}, nil
}

// Expect returns the h1 hashes that are listed for m's file of kind k, and only
// those. That there is none is an [*upstream.Error] of class Denied: to list a
// module's go.mod file, as go.sum files often do, is not to list its zip.
func (g *GoSum) Expect(_ context.Context, m module.Version, k upstream.Kind) (Sums, error) {
	if sums, ok := g.listed(m, k); ok {
		return sums, nil
	}
	e := &upstream.Error{Class: upstream.Denied, Subject: m.String(), Source: g.name(), Err: &notListedError{m, k}}
	if req, err := upstream.NewRequest(k, m.Path, m.Version); err == nil {
		e.Request = req
	}
	return Sums{}, e
}

// Check is the function [Check].
func (g *GoSum) Check(m module.Version, k upstream.Kind, content io.ReaderAt, size int64, want Sums) error {
	return Check(m, k, content, size, want)
}

// Accepts reports whether the file was verified by hashes that are all listed for it
// now, whichever of them it has. What a checksum database or another go.sum file vouched for need not be.
func (g *GoSum) Accepts(m module.Version, k upstream.Kind, verified string) bool {
	hashes, ok := strings.CutPrefix(verified, ByGoSum+" ")
	sums, listed := g.listed(m, k)
	if !ok || !listed {
		return false
	}
	for hash := range strings.SplitSeq(hashes, " ") {
		if !slices.Contains(sums.of(k), hash) {
			return false
		}
	}
	return true
}

// Lists reports whether there is an h1 hash for m's file of kind k.
func (g *GoSum) Lists(m module.Version, k upstream.Kind) bool {
	_, ok := g.listed(m, k)
	return ok
}

func (g *GoSum) listed(m module.Version, k upstream.Kind) (Sums, bool) {
	var hashes, by []string
	for _, f := range g.files {
		found := f.sums[fileOf{m, k}]
		if len(found) == 0 {
			continue
		}
		by = append(by, f.name)
		for _, hash := range found {
			if !slices.Contains(hashes, hash) { // many projects list the same thing
				hashes = append(hashes, hash)
			}
		}
	}
	sums := Sums{By: strings.Join(by, ", "), GoSum: true}
	switch k {
	case upstream.Zip:
		sums.Zip = hashes
	case upstream.Mod:
		sums.Mod = hashes
	}
	return sums, len(sums.of(k)) > 0
}

func (g *GoSum) name() string {
	names := make([]string, len(g.files))
	for i, f := range g.files {
		names[i] = f.name
	}
	return strings.Join(names, ", ")
}

// ErrNotListed is in the chain of the error for a file that a [GoSum] does not list. It says
// nothing of the file, which another go.sum file may list.
var ErrNotListed = errors.New("not listed in go.sum")

type notListedError struct {
	module module.Version
	kind   upstream.Kind
}

func (e *notListedError) Error() string {
	return fmt.Sprintf(`no h1 checksum is listed for this %v, and only what is listed is allowed: `+
		`add it with "go get %s" or "go mod tidy" where that file is kept, or let a checksum database speak for what is not listed`, e.kind, e.module)
}

// Is tells it from other refusals.
func (e *notListedError) Is(target error) bool { return target == ErrNotListed }
