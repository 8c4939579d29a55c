package fetch

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
	"golang.org/x/mod/module"
)

// A publication is when a version became public, as far as an answer that is at
// hand tells; the zero publication tells nothing.
type publication struct {
	at    time.Time
	known bool // at is what there is to know, though it may be zero
}

func keepDate(_ module.Version, d publication) time.Duration {
	if d.at.IsZero() {
		return 0
	}
	return math.MaxInt64 // it does not change
}

const dateFormat = "2006-01-02 15:04 MST"

// isCool reports whether versions of a module may be had at any age.
func (p *Policed) isCool(path string) bool {
	return p.policy.Cooldown == 0 || module.MatchPrefixPatterns(p.policy.CooldownExempt, path)
}

// age returns what the cooldown says of a version.
func (p *Policed) age(ctx context.Context, m module.Version, hint publication) ruling {
	const part = "cooldown"
	if p.isCool(m.Path) {
		return ruling{}
	}
	d, err := p.published(ctx, m, hint)
	unknown := "it is not known when " + m.Version + " was published"
	switch {
	case err != nil:
		return cannotKnow(part, unknown, err)
	case d.at.IsZero():
		return deny(part, unknown)
	}
	if free := d.at.Add(p.policy.Cooldown); time.Now().Before(free) {
		return deny(part, fmt.Sprintf("%s is too young: published %s, allowed from %s",
			m.Version, d.at.UTC().Format(dateFormat), free.UTC().Format(dateFormat)))
	}
	return ruling{rule: part}
}

// ageAtHand reports whether the age of m is known without asking the Fetcher.
func (p *Policed) ageAtHand(m module.Version) bool {
	if p.isCool(m.Path) || p.policy.Published != nil || module.IsPseudoVersion(m.Version) {
		return true
	}
	_, ok := p.dates.recall(m)
	return ok
}

// published returns when m became public. The hint is heeded where nobody was
// named who knows better.
func (p *Policed) published(ctx context.Context, m module.Version, hint publication) (publication, error) {
	if p.policy.Published != nil {
		return p.askPublished(ctx, m)
	}
	if at, err := module.PseudoVersionTime(m.Version); err == nil {
		return publication{at, true}, nil
	}
	if hint.known {
		return hint, nil
	}
	if d, ok := p.dates.recall(m); ok {
		return d, nil
	}
	meta, err := upstream.ReadInfo(withoutNote(ctx), p.next, m.Path, m.Version)
	if err != nil {
		return publication{}, err
	}
	return p.learn(m, meta), nil
}

// learn remembers when m was published, from its .info file.
func (p *Policed) learn(m module.Version, meta upstream.Metadata) publication {
	d := publication{meta.Time, true}
	if p.policy.Published == nil && !p.isCool(m.Path) {
		p.dates.remember(m, d)
	}
	return d
}

func (p *Policed) askPublished(ctx context.Context, m module.Version) (publication, error) {
	d, _, err := p.dates.ask(ctx, m, func(ctx context.Context) (publication, error) {
		at, err := p.policy.Published(ctx, m)
		return publication{at, true}, err
	}, func() {})
	if ctx.Err() != nil && err != nil {
		return d, upstream.ContextError(ctx, upstream.Request{}, "")
	}
	switch {
	case errors.Is(err, errClosed):
		return d, &upstream.Error{Class: upstream.Canceled, Err: errClosed}
	case errors.Is(err, fs.ErrNotExist):
		return d, &upstream.Error{Class: upstream.NotFound, Err: err}
	}
	return d, err
}

// refuseByAge answers a request for a file of a version that r allows and whose age
// denies it.
// Where there is no such version, as far as the age tells, the file's own
// absence is the answer, and not the denial.
func (p *Policed) refuseByAge(ctx context.Context, req upstream.Request, r, age ruling) outcome {
	if !errors.Is(age.cause, fs.ErrNotExist) {
		return refused(req, age)
	}
	resp, err := p.next.Fetch(ctx, req)
	if errors.Is(err, fs.ErrNotExist) {
		return failed(err, r)
	}
	closeBody(resp)
	return refused(req, age)
}
