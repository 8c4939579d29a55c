package auth

import "context"

// A turn lets one caller at a time do what takes long, and the others wait no
// longer than they want to.
type turn chan struct{}

func newTurn() turn { return make(turn, 1) }

// take returns a function that gives the turn back.
func (t turn) take(ctx context.Context) (func(), error) {
	select {
	case t <- struct{}{}:
		return func() { <-t }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}
