package breaker

import (
	"context"
	"time"

	"github.com/cenkalti/backoff/v4"
)

// sleep waits, and reports false if ctx ended meanwhile.
func sleep(ctx context.Context, wait time.Duration) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// minWait is the least wait for budget.
const minWait = 10 * time.Millisecond

// pace is exponential backoff that is never shorter than a source asked for.
type pace struct {
	*backoff.ExponentialBackOff
	after time.Duration
	short bool // of budget
	last  bool // the latest try was a last resort
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
