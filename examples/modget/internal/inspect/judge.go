package inspect

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/verify"
)

// toolchain is the module path of Go toolchains, which no pattern exempts from
// being verified, for the go command neither (cmd/go/internal/modfetch, useSumDB).
const toolchain = "golang.org/toolchain"

var errNoted = errors.New("it differs from the .ziphash file that the go command made when it was downloaded")

// A judge compares subjects with what the Verifier says.
type judge struct {
	opts      Options
	root      *os.Root
	downloads string
}

// find returns the finding of a subject. It is of no use when ctx has ended.
func (j *judge) find(ctx context.Context, s subject) Finding {
	f := Finding{Module: s.module, File: s.file}
	got, err := j.hash(ctx, s)
	if err != nil {
		f.Verdict, f.Err = Unreadable, err
		if wrong, ok := errors.AsType[*wrongError](err); ok {
			f.Verdict, f.Err = wrong.verdict, wrong.err
		}
		return f
	}
	f.Got = got
	want, verdict, err := j.expect(ctx, s)
	if verdict != OK { // there is nothing to compare with, but perhaps what the go command noted
		f.Verdict, f.Err = verdict, err
		noted := j.noted(ctx, s)
		if noted == "" {
			return f
		}
		want, f.Err = []string{noted}, errNoted
		if noted == got {
			f.Err = err
			return f
		}
	}
	f.Want, f.Verdict = strings.Join(want, " "), compare(s, got, want)
	return f
}

func compare(s subject, got string, want []string) Verdict {
	switch {
	case slices.Contains(want, got):
		return OK
	case s.sort == unpacked:
		return Modified
	}
	return Mismatch
}

// expect returns the hashes of which the subject must have one. A verdict other
// than OK says that there are none, and the error why.
func (j *judge) expect(ctx context.Context, s subject) ([]string, Verdict, error) {
	if j.opts.GoSum != nil {
		if sums, err := j.opts.GoSum.Expect(ctx, s.module, s.kind()); err == nil {
			return of(sums, s), OK, nil
		}
	}
	if s.module.Path != toolchain && j.opts.Exempt != nil && j.opts.Exempt(s.module.Path) {
		return nil, Exempt, nil
	}
	sums, err := j.opts.Verifier.Expect(ctx, s.module, s.kind())
	if err != nil {
		if class := upstream.ClassOf(err); class == upstream.Denied || class == upstream.NotFound {
			return nil, NotInDatabase, err
		}
		return nil, Unavailable, err
	}
	return of(sums, s), OK, nil
}

// of returns those of the sums that are of the subject.
func of(sums verify.Sums, s subject) []string {
	if s.kind() == upstream.Mod {
		return sums.Mod
	}
	return sums.Zip
}

// noted returns what the go command noted of the subject's zip; empty if nothing.
func (j *judge) noted(ctx context.Context, s subject) string {
	if s.sort != zipFile && s.sort != unpacked {
		return ""
	}
	name, err := besideZip(j.downloads, s.module, ".ziphash")
	if err != nil {
		return ""
	}
	if info, err := j.root.Stat(name); err != nil || !info.Mode().IsRegular() {
		return ""
	}
	noted, err := j.hash(ctx, subject{s.module, zipHashFile, name})
	if err != nil {
		return ""
	}
	return noted
}
