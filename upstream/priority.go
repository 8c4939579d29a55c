package upstream

import "context"

// Priority says who goes first where calls wait for their turn.
type Priority uint8

const (
	Interactive Priority = iota // somebody waits for the answer
	Background                  // nobody does: a refresh, a prefetch
)

type priorityKey struct{}

// WithPriority returns a context whose calls have the priority that now returns
// at the time when it matters: it may change while a call waits, when somebody
// comes to want what was fetched in the background. now may be called by many
// goroutines at once and must not block.
func WithPriority(ctx context.Context, now func() Priority) context.Context {
	return context.WithValue(ctx, priorityKey{}, now)
}

// PriorityOf returns the present priority of ctx's calls: [Interactive], unless
// [WithPriority] says otherwise.
func PriorityOf(ctx context.Context) Priority {
	if now, ok := ctx.Value(priorityKey{}).(func() Priority); ok {
		return now()
	}
	return Interactive
}
