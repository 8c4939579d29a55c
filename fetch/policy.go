package fetch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
	"golang.org/x/mod/module"
)

// A Policy says what a [Fetcher] hands out: which modules, how old a version has
// to be, how large its zip may be, and what a check of the caller's must say of
// it. [Policy.Wrap] puts it around a Fetcher; wherever a Fetcher is taken, the
// policed one can be given:
//
//	policed, err := policy.Wrap(client)
//	if err != nil {
//		return err
//	}
//	defer policed.Close()
//	handler := fetch.NewHandler(policed, nil)
//
// The zero Policy allows everything. Its parts are asked in the order of the
// fields, and each can only deny: what a rule allows is still subject to
// cooldown, size and check. What is at hand in the cache is policed like
// anything else. What the policy cannot know, it denies.
type Policy struct {
	// Rules are tried in order: the first whose patterns and versions match
	// decides. What none matches is allowed. Of a module that is denied nothing
	// at all is asked of the Fetcher, nor is a checksum database asked about it.
	// Toolchains (golang.org/toolchain) are modules like others. Default: no rules.
	Rules []Rule

	// Cooldown is how old a version has to be. A younger one is refused with the
	// date from which it may be had, left out of lists, and neither @latest nor a
	// version query such as a branch resolves to it: @latest is then the highest
	// release, else pre-release, of those that are offered. Default: any age;
	// negative is an error.
	//
	// It costs a request for the .info file of each version that is asked for.
	// For a list it does not take one per version. The go command's
	// pseudo-versions, and lists with times, say how old they are; for the rest
	// three things are taken for granted: patch releases of one minor version
	// come out in order, so do the first releases of the minor versions of one
	// major version (v1.2.0 before v1.3.0), and so do pre-releases of one minor
	// version. In each of those series versions are asked about from the highest
	// down to the first that is old enough, at most 8 at a time. A list that would
	// have more than 500 asked about, of Published or the Fetcher, is denied, for
	// what is in it the author of a module chooses; its versions can be had by
	// name. Where a module does not keep to that order, a list may offer a version
	// that is refused when it is asked for. Dates are remembered, of at most 32,768
	// versions.
	//
	// A retraction takes effect when the version whose go.mod file has it is old
	// enough. Retracted versions stay in lists.
	Cooldown time.Duration

	// CooldownExempt is a comma-separated list of glob patterns of module path
	// prefixes, as in GOPRIVATE, to which Cooldown does not apply. Default: none.
	CooldownExempt string

	// Published says when a version became public. It may be called by many
	// goroutines at once, once for all who ask for the same version, with the
	// timeout of Check. The zero time, and an error that satisfies
	// errors.Is(err, fs.ErrNotExist), mean that it is not known, and the version
	// is denied; any other error is a failure that may pass, and the request
	// fails with it.
	//
	// Default: the Time in its .info file or in a list, which for most sources
	// is the commit's. The author of a commit chooses that freely, so it
	// protects from haste and not from malice: who backdates his commits is
	// offered at once. An index of when versions were first seen does better.
	Published func(ctx context.Context, m module.Version) (time.Time, error)

	// MaxZipSize is the size in bytes of the largest zip that is handed out. It
	// is compared when the Fetcher has the zip, so it does not save the first
	// download. Default: any; negative is an error.
	MaxZipSize int64

	// Check is asked before a zip is handed out, whether it was just fetched or
	// at hand: for a licence, or known vulnerabilities. nil allows it; an error
	// denies it with that text, and so do a panic and a Check that has not
	// returned in time. The go.mod and .info files are handed out all the same.
	//
	// It may be called by many goroutines at once, at most 64, once for all who
	// ask for the same version and get the same content. The zip can be read until
	// it returns. Its context is not any one caller's: it ends after CheckTimeout
	// and with [Policed.Close], and keeps the values of the first caller's, so that
	// [upstream.Offline] tells whether it may use the network. A Check that does
	// not heed its context goes on in the background without anybody waiting.
	// Default: every zip is handed out.
	Check func(ctx context.Context, m module.Version, zip io.ReaderAt, size int64) error

	// CheckTimeout is how long callers wait for Check, or for Published,
	// including the time until there is a free place for the call. Default: 5
	// seconds; negative is an error.
	CheckTimeout time.Duration

	// CheckTTL is how long it is remembered that Check allowed the zip of a
	// version; that it denied one is remembered for a minute at most, for its
	// error may have been an outage. Another content under the same version is
	// checked anew, and so is every zip of a Fetcher that gives no Digest. A
	// timeout, a panic, an error of class Unavailable, Timeout, Overloaded or
	// Canceled and what it said offline are not remembered. At most 32,768
	// verdicts are. Default: 1 hour; negative: nothing is remembered.
	CheckTTL time.Duration

	// DryRun has every decision made and noted, in all the time that it takes,
	// and every request answered as if there were no policy. A denial is noted
	// as one; a list that would have been shorter, or a @latest that would have
	// been another, as allowed, with what would not have been offered. Default: false.
	DryRun bool

	// OnDecision is told of each decision in which a part of the policy had a
	// say, once for a request, in the goroutine that Fetch was called by; it
	// must not keep that waiting. The audit log of [HandlerOptions] has them
	// too. Default: nobody is told.
	OnDecision func(ctx context.Context, d Decision)
}

// Wrap returns f under the policy, which is copied. An error names the part of
// the policy that is wrong. The caller closes the result, and f after it.
func (p *Policy) Wrap(f Fetcher) (*Policed, error) {
	if f == nil {
		return nil, errors.New("a policy needs a Fetcher")
	}
	rules, err := compileRules(p.Rules)
	if err != nil {
		return nil, err
	}
	if err := p.validate(); err != nil {
		return nil, err
	}
	policy := *p
	policy.CheckTimeout = cmp.Or(p.CheckTimeout, 5*time.Second)
	policy.CheckTTL = cmp.Or(p.CheckTTL, time.Hour)
	return &Policed{
		next:     f,
		policy:   policy,
		rules:    rules,
		dates:    newConsultation(policy.CheckTimeout, keepDate),
		verdicts: newConsultation(policy.CheckTimeout, policy.keepVerdict),
	}, nil
}

func (p *Policy) validate() error {
	if err := upstream.CheckPatterns(p.CooldownExempt); err != nil {
		return fmt.Errorf("policy: CooldownExempt: %w", err)
	}
	for _, field := range []struct {
		name     string
		negative bool
	}{
		{"Cooldown", p.Cooldown < 0},
		{"MaxZipSize", p.MaxZipSize < 0},
		{"CheckTimeout", p.CheckTimeout < 0},
	} {
		if field.negative {
			return fmt.Errorf("policy: %s is negative", field.name)
		}
	}
	return nil
}
