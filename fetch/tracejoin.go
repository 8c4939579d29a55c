package fetch

import "context"

// JoinTraces returns a Trace that tells each of the given ones, in their order; at
// the end of something, in the reverse order. Those that are nil are passed over. Nothing that is given is changed.
func JoinTraces(traces ...*Trace) *Trace {
	joined := new(Trace)
	for _, t := range traces {
		if t != nil {
			joined = joinTwo(joined, t)
		}
	}
	return joined
}

func joinTwo(a, b *Trace) *Trace {
	return &Trace{
		RequestStart:  inTurn(a.RequestStart, b.RequestStart),
		RequestEnd:    both(b.RequestEnd, a.RequestEnd),
		AttemptStart:  inTurn(a.AttemptStart, b.AttemptStart),
		AttemptEnd:    both(b.AttemptEnd, a.AttemptEnd),
		Retry:         both(a.Retry, b.Retry),
		Hedge:         both(a.Hedge, b.Hedge),
		CircuitChange: each(a.CircuitChange, b.CircuitChange),
		Verification:  both(a.Verification, b.Verification),
		Commit:        both(a.Commit, b.Commit),
		Eviction:      each(a.Eviction, b.Eviction),
		Corruption:    each(a.Corruption, b.Corruption),
		Degradation:   both(a.Degradation, b.Degradation),
	}
}

// inTurn joins hooks that hand on a context.
func inTurn[E any](a, b func(context.Context, E) context.Context) func(context.Context, E) context.Context {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	return func(ctx context.Context, e E) context.Context { return b(a(ctx, e), e) }
}

func both[E any](a, b func(context.Context, E)) func(context.Context, E) {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	return func(ctx context.Context, e E) { a(ctx, e); b(ctx, e) }
}

func each[E any](a, b func(E)) func(E) {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	return func(e E) { a(e); b(e) }
}
