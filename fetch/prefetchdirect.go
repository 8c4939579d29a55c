package fetch

import (
	"context"
	"errors"
	"slices"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/upstream/gocmd"
)

// Nothing is fetched ahead from version control. It costs processes and whole
// repositories, and whoever writes a go.mod file would choose the hosts that are
// connected to, without anybody's asking for his module's requirements.

var errUnasked = errors.New("version control is not asked for what nobody has asked for")

// prefetchKey is under which a context says that it is a prefetch's.
type prefetchKey struct{}

func isPrefetch(ctx context.Context) bool { return ctx.Value(prefetchKey{}) != nil }

// isForegone reports whether a flight failed for being a prefetch that the caller,
// who is none, has joined too late: one of his own may bring it.
func isForegone(ctx context.Context, err error) bool {
	e, ok := errors.AsType[*upstream.Error](err)
	if !ok || isPrefetch(ctx) {
		return false
	}
	return errors.Is(e, errUnasked) || slices.ContainsFunc(e.Attempts, func(a *upstream.Error) bool { return errors.Is(a, errUnasked) })
}

// spare keeps from version control the flights of prefetches that nobody has
// joined. It is outside the circuit, of which it says nothing.
func spare(next upstream.Upstream) upstream.Upstream {
	if _, ok := upstream.As[*gocmd.Source](next); !ok {
		return next
	}
	return &spared{next}
}

type spared struct{ next upstream.Upstream }

func (s *spared) Unwrap() upstream.Upstream { return s.next }

func (s *spared) Fetch(ctx context.Context, req upstream.Request) (*upstream.Response, error) {
	if isPrefetch(ctx) && upstream.PriorityOf(ctx) == upstream.Background {
		return nil, &upstream.Error{Class: upstream.Denied, Request: req, Source: upstream.Name(s.next), Err: errUnasked}
	}
	return s.next.Fetch(ctx, req)
}
