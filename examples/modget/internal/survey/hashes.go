package survey

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/verify"
	"golang.org/x/mod/module"
)

// Hashes is what the files of all sources hash to, and what they should.
type hashes struct {
	verifier verify.Verifier // nil: none
	patience time.Duration
	failures int    // of the Verifier in a row
	failed   string // why it could not be asked

	want map[upstream.Request]verify.Sums
	got  map[upstream.Request][]Hash
	all  []upstream.Request // in the order in which they came
}

func newHashes(v verify.Verifier, patience time.Duration) *hashes {
	return &hashes{verifier: v, patience: patience, want: map[upstream.Request]verify.Sums{}, got: map[upstream.Request][]Hash{}}
}

// expect asks the Verifier about a file, before the first source is asked for it. It
// is asked no more when it could not answer as often as a source may fail. That it
// knows nothing of a file is an answer.
func (h *hashes) expect(ctx context.Context, req upstream.Request) {
	_, asked := h.want[req]
	if asked || h.verifier == nil || h.failures >= maxStreak || req.Kind() != upstream.Mod && req.Kind() != upstream.Zip {
		return
	}
	bounded, cancel := context.WithTimeout(ctx, h.patience)
	defer cancel()
	sums, err := h.verifier.Expect(bounded, moduleOf(req), req.Kind())
	if ctx.Err() != nil {
		return
	}
	h.want[req] = sums
	if err == nil {
		h.failures = 0
		return
	}
	h.want[req] = verify.Sums{}
	switch upstream.ClassOf(err) {
	case upstream.Denied, upstream.NotFound:
		return
	}
	h.failed = upstream.AsError(err, req, "").Reason()
	h.failures++
}

func moduleOf(req upstream.Request) module.Version {
	return module.Version{Path: req.Module(), Version: req.Version()}
}

// expected returns the hashes that would do for a file; none if nobody says.
func (h *hashes) expected(req upstream.Request) []string {
	if req.Kind() == upstream.Zip {
		return h.want[req].Zip
	}
	return h.want[req].Mod
}

// add writes down what a source's file hashes to. The error is a *localError.
func (h *hashes) add(source string, req upstream.Request, a *answer) error {
	wrong, err := h.contradicts(req, a)
	if err != nil {
		return err
	}
	if len(h.got[req]) == 0 {
		h.all = append(h.all, req)
	}
	if got := (Hash{Source: source, H1: a.h1, Wrong: wrong}); !slices.Contains(h.got[req], got) {
		h.got[req] = append(h.got[req], got)
	}
	return nil
}

// contradicts reports whether a file is other than the Verifier says. What else a
// Verifier may meet is that the file cannot be read again.
func (h *hashes) contradicts(req upstream.Request, a *answer) (bool, error) {
	if len(h.expected(req)) == 0 {
		return false, nil
	}
	content := a.reader()
	defer content.Close()
	err := h.verifier.Check(moduleOf(req), req.Kind(), content, a.size, h.want[req])
	if _, mismatch := errors.AsType[*verify.MismatchError](err); mismatch {
		return true, nil
	}
	if err != nil {
		return false, &localError{err}
	}
	return false, nil
}

// agreement compares one source with the others and with the Verifier.
func (h *hashes) agreement(source string) Agreement {
	var a Agreement
	for _, req := range h.all {
		own := of(h.got[req], source)
		if len(own) == 0 {
			continue
		}
		a.Hashed++
		if slices.ContainsFunc(h.got[req], func(g Hash) bool { return g.Source != source && g.H1 == own[0].H1 }) {
			a.Shared++
		}
		switch vouched := len(h.expected(req)) > 0; {
		case slices.ContainsFunc(own, func(g Hash) bool { return g.Wrong }):
			a.Contradicted = append(a.Contradicted, req.Key())
		case vouched:
			a.Confirmed++
		case differ(h.got[req]):
			a.Disputed = append(a.Disputed, req.Key())
		}
	}
	return a
}

func of(all []Hash, source string) []Hash {
	return slices.DeleteFunc(slices.Clone(all), func(g Hash) bool { return g.Source != source })
}

func differ(all []Hash) bool {
	return slices.ContainsFunc(all, func(g Hash) bool { return g.H1 != all[0].H1 })
}

// disagreements returns the files that are not the same everywhere, or wrong.
func (h *hashes) disagreements(order map[string]int) []Disagreement {
	var all []Disagreement
	for _, req := range h.all {
		got := h.got[req]
		if !differ(got) && !slices.ContainsFunc(got, func(g Hash) bool { return g.Wrong }) {
			continue
		}
		slices.SortStableFunc(got, func(a, b Hash) int { return order[a.Source] - order[b.Source] })
		all = append(all, Disagreement{File: req.Key(), Hashes: got, Expected: h.expected(req), By: h.want[req].By})
	}
	return all
}
