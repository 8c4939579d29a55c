package fetch

import (
	"context"

	"github.com/breakwater-go/breakwater/upstream"
)

// A Decision is what a [Policy] says to one request.
type Decision struct {
	Request upstream.Request
	Denied  bool   // in a dry run: would have been
	DryRun  bool   // it is noted, and the request answered all the same
	Rule    string // the part of the policy that decided: "rule", "cooldown", "size" or "check"
	Reason  string // why it is denied; of what is allowed, the reason that its rule gives, or what a list does not offer; one short line
}

type decisionKey struct{}

// withDecision returns a context in which a policy notes what it decides, for the
// one who made the context.
func withDecision(ctx context.Context) (context.Context, *Decision) {
	d := new(Decision)
	return context.WithValue(ctx, decisionKey{}, d), d
}

// withoutDecision returns a context for what a policy asks on its own account,
// in other goroutines too: nothing is noted of that.
func withoutDecision(ctx context.Context) context.Context {
	return context.WithValue(ctx, decisionKey{}, nil)
}

// noteDecision is called by the goroutine that Fetch was called by. Of policies
// around one another, the first that denies is heard: in a dry run those around
// it do not know.
func noteDecision(ctx context.Context, d Decision) {
	if note, ok := ctx.Value(decisionKey{}).(*Decision); ok && !note.Denied {
		*note = d
	}
}
