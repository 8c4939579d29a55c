package verify

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/breakwater-go/breakwater/upstream"
	"golang.org/x/mod/module"
)

// Sums is what the files of one module version must hash to, in the form of a
// go.sum file: "h1:" and the base64 of a SHA-256 (golang.org/x/mod/sumdb/dirhash).
// Where several hashes of an algorithm are known for a file, one of them must
// match, as for the go command.
type Sums struct {
	Zip []string // of the module's files
	Mod []string // of the go.mod file

	// By says who vouches for them: a checksum database's name, or the path of
	// a go.sum file.
	By string

	// GoSum is whether they are from a go.sum file.
	GoSum bool

	// SumDB is whether they are from a [SumDB].
	SumDB bool
}

const (
	// ByGoSum begins the [upstream.Response.Verified] of content that a go.sum
	// file vouches for; a space and the hash follow.
	ByGoSum = "go.sum"

	// ByVerifier is that of content that another Verifier vouches for.
	ByVerifier = "verifier"
)

// A Verifier knows what module files must hash to. Its two methods are apart
// because their failures have different culprits: Expect fails when the
// Verifier cannot say, Check when the bytes are not what it said.
type Verifier interface {
	// Expect returns the sums for m, whose version is canonical: at least those
	// for its file of kind k, Mod or Zip, and always one of them. It may ask a
	// network and is called once for a download, beside it. That nothing is
	// known of that file is an [*upstream.Error] of class Denied or NotFound;
	// that it could not be found out is of class Unavailable or Timeout.
	Expect(ctx context.Context, m module.Version, k upstream.Kind) (Sums, error)

	// Check reports whether content, a file of m of kind Mod or Zip, is what
	// want says. It uses no network. The error is a [*MismatchError], or that
	// of reading the content.
	Check(m module.Version, k upstream.Kind, content io.ReaderAt, size int64, want Sums) error
}

// A MismatchError says that a file is not the one that somebody vouches for.
type MismatchError struct {
	Module module.Version // whose file it is
	Kind   upstream.Kind  // Mod or Zip
	Got    string         // the hash of what was received
	Want   []string       // the hashes that would do
	By     string         // who says so
}

// Error names the file, both hashes and who vouches for the expected one.
func (e *MismatchError) Error() string {
	return fmt.Sprintf("checksum mismatch: this %v of %s has %s, %s says %s", e.Kind, e.Module, e.Got, e.By, strings.Join(e.Want, " or "))
}

// Mark is the [upstream.Response.Verified] of a file of kind k that matches the
// sums: [ByDatabase], or [ByGoSum] and the hashes that go.sum files list, or
// [ByVerifier] where they are from a Verifier of the embedder's.
func (s Sums) Mark(k upstream.Kind) string {
	switch {
	case s.SumDB:
		return ByDatabase
	case !s.GoSum:
		return ByVerifier
	}
	return ByGoSum + " " + strings.Join(s.of(k), " ") // it has one of them
}

// of returns the sums for a kind of file; nil for kinds that have none.
func (s Sums) of(k upstream.Kind) []string {
	switch k {
	case upstream.Zip:
		return s.Zip
	case upstream.Mod:
		return s.Mod
	}
	return nil
}

// Check is [Verifier]'s method of that name for every Verifier whose sums are
// of the h1 algorithm. Sums for another algorithm are passed over; if there is
// none left to compare with, the content does not match. The error is a
// [*MismatchError], or that of reading the content.
func Check(m module.Version, k upstream.Kind, content io.ReaderAt, size int64, want Sums) error {
	got, err := hashOf(k, content, size)
	if err != nil {
		return err
	}
	if slices.Contains(want.of(k), got) {
		return nil
	}
	return &MismatchError{Module: m, Kind: k, Got: got, Want: want.of(k), By: want.By}
}

func hashOf(k upstream.Kind, content io.ReaderAt, size int64) (string, error) {
	switch k {
	case upstream.Zip:
		return HashZip(content, size)
	case upstream.Mod:
		return HashMod(io.NewSectionReader(content, 0, size))
	}
	return "", fmt.Errorf("there is no checksum for a %v", k)
}
