package cli

import "context"

// soon returns what read does, or the cause of ctx when that ends first. Nothing ends
// the opening of a named pipe, or a read of one or of a terminal, but whoever is at the
// other end. The goroutine that is at it is then left to the end of the program, which
// is near, for the command has failed.
func soon[T any](ctx context.Context, read func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		value, err := read()
		done <- result{value, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		var none T
		return none, context.Cause(ctx)
	}
}
