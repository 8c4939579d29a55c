package breaker

import (
	"cmp"
	"context"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/cenkalti/backoff/v4"
)

// RetryOptions bounds asking again. A nil *RetryOptions and zero fields mean
// the defaults.
type RetryOptions struct {
	// Tries is how often a request is made, the first time included; 1 means
	// that nothing is tried again. Default: 3.
	Tries int

	// FirstWait is about how long the first wait is; each further one is twice
	// as long, up to MaxWait. Each is drawn from half to one and a half times
	// that, so that callers that failed together do not return together.
	// Default: 200 ms, up to 3 s; negative: no wait.
	FirstWait time.Duration
	MaxWait   time.Duration

	// MaxElapsed bounds the time after which a further try is begun.
	// Default: 20 s; negative: no bound.
	MaxElapsed time.Duration

	// MaxRetryAfter is the longest Retry-After that is waited for. A source
	// that asks for more is not asked again. Default: 5 s; negative: none is
	// waited for.
	MaxRetryAfter time.Duration
}

func (o *RetryOptions) withDefaults() RetryOptions {
	var opts RetryOptions
	if o != nil {
		opts = *o
	}
	opts.Tries = cmp.Or(opts.Tries, 3)
	opts.FirstWait = cmp.Or(opts.FirstWait, 200*time.Millisecond)
	opts.MaxWait = cmp.Or(opts.MaxWait, 3*time.Second)
	opts.MaxElapsed = cmp.Or(opts.MaxElapsed, 20*time.Second)
	opts.MaxRetryAfter = cmp.Or(opts.MaxRetryAfter, 5*time.Second)
	return opts
}

// Retry returns middleware that makes a failed request again after a jittered,
// exponentially growing wait, or after what the source asked for with
// Retry-After if that is longer. It belongs around a list or group of sources.
//
// It asks again only where that can help: some source was unavailable or met a
// bound on time. It does not where every source gave an answer ("not found",
// "denied", bytes that did not match), nor offline, nor after failures that no
// source is to blame for. When the bounds are met, the last error is returned.
func Retry(opts *RetryOptions) upstream.Middleware {
	o := opts.withDefaults()
	return func(next upstream.Upstream) upstream.Upstream {
		return &retry{next, o}
	}
}

type retry struct {
	next upstream.Upstream
	opts RetryOptions
}

func (r *retry) Unwrap() upstream.Upstream { return r.next }

func (r *retry) Fetch(ctx context.Context, req upstream.Request) (*upstream.Response, error) {
	var last error
	pace := r.opts.newPace()
	resp, err := backoff.RetryWithData(func() (*upstream.Response, error) {
		resp, err := r.next.Fetch(ctx, req)
		if err == nil {
			return resp, nil
		}
		last = err
		if pace.after = r.helpfulAfter(ctx, err); pace.after < 0 {
			return nil, backoff.Permanent(err)
		}
		return nil, err
	}, backoff.WithContext(backoff.WithMaxRetries(pace, uint64(max(0, r.opts.Tries-1))), ctx))
	if err != nil {
		return nil, last // and not the context's error, which says less
	}
	return resp, nil
}

// helpfulAfter returns how long to wait at the least until asking again may
// help, or a negative duration if it would not.
func (r *retry) helpfulAfter(ctx context.Context, err error) time.Duration {
	if ctx.Err() != nil || upstream.Offline(ctx) {
		return -1
	}
	e := upstream.AsError(err, upstream.Request{}, upstream.Name(r.next))
	attempts := e.Attempts
	if len(attempts) == 0 {
		attempts = []*upstream.Error{e}
	}
	soonest := time.Duration(-1)
	for _, a := range attempts {
		if !mayRecover(a) || a.RetryAfter > max(0, r.opts.MaxRetryAfter) {
			continue
		}
		if soonest < 0 || a.RetryAfter < soonest {
			soonest = a.RetryAfter
		}
	}
	return soonest
}

func mayRecover(e *upstream.Error) bool {
	return e.Source != "" && (e.Class == upstream.Unavailable || e.Class == upstream.Timeout)
}

// pace is exponential backoff that is never shorter than a source asked for.
type pace struct {
	*backoff.ExponentialBackOff
	after time.Duration
}

func (o RetryOptions) newPace() *pace {
	return &pace{ExponentialBackOff: backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(max(0, o.FirstWait)),
		backoff.WithMultiplier(2),
		backoff.WithRandomizationFactor(0.5),
		backoff.WithMaxInterval(max(0, o.MaxWait)),
		backoff.WithMaxElapsedTime(max(0, o.MaxElapsed)),
	)}
}

// NextBackOff returns the wait before the next try, or backoff.Stop.
func (p *pace) NextBackOff() time.Duration {
	wait := p.ExponentialBackOff.NextBackOff()
	if wait == backoff.Stop {
		return backoff.Stop
	}
	wait = max(wait, p.after)
	if p.MaxElapsedTime > 0 && p.GetElapsedTime()+wait > p.MaxElapsedTime {
		return backoff.Stop
	}
	return wait
}
