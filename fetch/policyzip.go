package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/verify"
	"golang.org/x/mod/module"
)

// denialTTL is how long at most a denial by Check is remembered.
const denialTTL = time.Minute

// A content is what Check's verdict is about: under the name of a version that no
// checksum database vouches for, there may be another zip the next time.
type content struct {
	module.Version
	digest string // as the Fetcher says

	// Content of unknown digest cannot be told from any other: what is said of one
	// answer is not asked for, nor remembered, for another's sake.
	only *upstream.Response
}

func contentOf(m module.Version, resp *upstream.Response) content {
	if resp.Digest == "" {
		return content{Version: m, only: resp}
	}
	return content{Version: m, digest: resp.Digest}
}

func (p *Policy) keepVerdict(c content, denial error) time.Duration {
	switch {
	case c.only != nil:
		return 0
	case denial != nil:
		return min(denialTTL, p.CheckTTL)
	}
	return p.CheckTTL
}

// zip answers a request for a zip that r allows. Size and check come after it
// is at hand, for what is remembered is of a content and not of its name.
func (p *Policed) zip(ctx context.Context, req upstream.Request, m module.Version, r ruling) outcome {
	if p.policy.Check != nil || p.policy.MaxZipSize > 0 {
		ctx = upstream.WithResumePoint(ctx, upstream.ResumePoint{}) // they need all of the zip
		ctx = verify.WithArrivals(ctx, nil)                         // and nobody may have any of it before
	}
	resp, err := p.next.Fetch(ctx, req)
	if err != nil {
		return failed(err, r)
	}
	size := p.size(resp)
	if size.denied {
		resp.Body.Close()
		return refused(req, size)
	}
	verdict, kept := p.check(ctx, m, resp)
	if !verdict.denied {
		return allowed(resp, r.or(verdict).or(size))
	}
	if !kept {
		resp.Body.Close()
	}
	return refused(req, verdict)
}

// size returns what the policy says of a zip's size.
func (p *Policed) size(resp *upstream.Response) ruling {
	const part = "size"
	if p.policy.MaxZipSize == 0 {
		return ruling{}
	}
	size, err := sizeOf(resp)
	switch {
	case err != nil:
		return cannotKnow(part, "the size of the zip is not known", err)
	case size > p.policy.MaxZipSize:
		return deny(part, fmt.Sprintf("the zip has %d bytes, at most %d are allowed", size, p.policy.MaxZipSize))
	}
	return ruling{rule: part}
}

var errNoSize = errors.New("the Fetcher does not say it")

// sizeOf returns the size of a content, which a Fetcher that is none of ours need
// not have said.
func sizeOf(resp *upstream.Response) (int64, error) {
	if resp.Size > 0 {
		return resp.Size, nil
	}
	body, ok := resp.Body.(io.Seeker)
	if !ok {
		return 0, errNoSize
	}
	size, err := body.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = body.Seek(0, io.SeekStart)
	}
	return size, err
}

// check returns what Check says of a zip. If kept is true, the zip's body is not
// the caller's any more.
func (p *Policed) check(ctx context.Context, m module.Version, resp *upstream.Response) (verdict ruling, kept bool) {
	if p.policy.Check == nil {
		return ruling{}, false
	}
	body, ok := resp.Body.(io.ReaderAt)
	size, err := sizeOf(resp)
	if !ok || err != nil || resp.Offset != 0 {
		return deny("check", "the Fetcher's zip cannot be checked: it is no io.ReaderAt, of no known size or not whole"), false
	}
	denial, kept, failure := p.verdicts.ask(ctx, contentOf(m, resp), func(ctx context.Context) (error, error) {
		return sayOf(ctx, p.policy.Check(ctx, m, body, size))
	}, func() { resp.Body.Close() })
	switch {
	case failure != nil:
		return undecided(ctx, failure), kept
	case denial != nil:
		return deniedBy(denial), kept
	}
	return ruling{rule: "check"}, kept
}

// sayOf sorts what Check returned into a verdict, and a failure to come to one,
// which an error is, too, that came after its context had ended.
func sayOf(ctx context.Context, err error) (denial, failure error) {
	switch e, ok := errors.AsType[*upstream.Error](err); {
	case err != nil && ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case !ok:
		return err, nil
	case e == nil:
		return nil, errors.New("it returned an error that is a nil pointer")
	case e.Class == upstream.Unavailable || e.Class == upstream.Timeout || e.Class == upstream.Overloaded || e.Class == upstream.Canceled:
		return nil, err
	}
	return err, nil
}

func deniedBy(denial error) ruling {
	r := deny("check", denial.Error())
	r.cause = denial
	return r
}

// undecided returns the denial for a check that came to no verdict. Offline that
// is for want of the network, as a rule, and not for good.
func undecided(ctx context.Context, failure error) ruling {
	const failed = "the check failed"
	switch {
	case ctx.Err() != nil:
		return cannotKnow("check", failed, upstream.ContextError(ctx, upstream.Request{}, ""))
	case errors.Is(failure, errClosed):
		return cannotKnow("check", failed, &upstream.Error{Class: upstream.Canceled, Err: errClosed})
	case upstream.Offline(ctx):
		return cannotKnow("check", failed+" while offline", &upstream.Error{Err: failure})
	}
	r := deny("check", failed+": "+failure.Error())
	r.cause = failure
	return r
}
