package verify

import (
	"context"
	"io"

	"github.com/breakwater-go/breakwater/upstream"
	"golang.org/x/mod/module"
)

// Sequence returns a Verifier for which first decides about every file that it
// lists, and then, usually a checksum database, is asked only about the others.
// A file that is listed with another hash is a mismatch, whatever then would
// say of it.
func Sequence(first *GoSum, then Verifier) Verifier { return &sequence{first, then} }

type sequence struct {
	first *GoSum
	then  Verifier
}

func (s *sequence) Expect(ctx context.Context, m module.Version, k upstream.Kind) (Sums, error) {
	if sums, ok := s.first.listed(m, k); ok {
		return sums, nil
	}
	return s.then.Expect(ctx, m, k)
}

// Check has the one check whose sums they are.
func (s *sequence) Check(m module.Version, k upstream.Kind, content io.ReaderAt, size int64, want Sums) error {
	if want.GoSum {
		return s.first.Check(m, k, content, size, want)
	}
	return s.then.Check(m, k, content, size, want)
}

// Accepts asks the one that decides about the file.
func (s *sequence) Accepts(m module.Version, k upstream.Kind, verified string) bool {
	if _, listed := s.first.listed(m, k); listed {
		return s.first.Accepts(m, k, verified)
	}
	return Accepts(s.then, m, k, verified)
}
