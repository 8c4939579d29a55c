package fetch

import (
	"context"
	"sync"

	"github.com/breakwater-go/breakwater/upstream"
)

// A Decision is what a [Policy] says to one request.
type Decision struct {
	Request upstream.Request // what was asked for
	Denied  bool             // in a dry run: would have been
	DryRun  bool             // it is noted, and the request answered all the same
	Rule    string           // the part of the policy that decided: "rule", "cooldown", "size" or "check"
	Reason  string           // why it is denied; of what is allowed, the reason that its rule gives, or what a list does not offer; one short line
}

type noteKey struct{}

// A note is what policies decide on one request, for the one who made it. It may
// reach a goroutine that works for others too, and outlives the request.
type note struct {
	mu       sync.Mutex
	decision Decision
}

// withNote returns a context in which policies note what they decide.
func withNote(ctx context.Context) (context.Context, *note) {
	n := new(note)
	return context.WithValue(ctx, noteKey{}, n), n
}

// withoutNote returns a context for what is asked on another account than the
// caller's: nothing is noted of that.
func withoutNote(ctx context.Context) context.Context {
	if _, ok := noteOf(ctx); !ok {
		return ctx
	}
	return context.WithValue(ctx, noteKey{}, nil)
}

func noteOf(ctx context.Context) (*note, bool) {
	n, ok := ctx.Value(noteKey{}).(*note)
	return n, ok
}

// add notes d. Of policies around one another, the first that denies is heard: in
// a dry run those around it do not know.
func (n *note) add(d Decision) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.decision.Denied {
		n.decision = d
	}
}

// read returns what has been noted, for whoever asked when he has his answer: what
// comes later is not about that. A nil note has nothing.
func (n *note) read() Decision {
	if n == nil {
		return Decision{}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.decision
}
