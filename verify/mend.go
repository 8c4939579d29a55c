package verify

import (
	"context"
	"sync/atomic"

	"github.com/breakwater-go/breakwater/upstream"
)

// Mend returns middleware that gives a source a second chance when an answer
// that was put together from pieces does not pass the checks: one clean download
// from that source alone. For the pieces may be another's, or of two states of
// the same file, and then the source is not to blame. It belongs around the
// checks, inside the source's circuit.
func Mend() upstream.Middleware {
	return func(next upstream.Upstream) upstream.Upstream { return &mend{next} }
}

type mend struct{ next upstream.Upstream }

func (m *mend) Unwrap() upstream.Upstream { return m.next }

func (m *mend) Fetch(ctx context.Context, req upstream.Request) (*upstream.Response, error) {
	if req.Kind() != upstream.Zip {
		return m.next.Fetch(ctx, req)
	}
	s := new(splice)
	resp, err := m.next.Fetch(context.WithValue(ctx, spliceKey{}, s), req)
	if err == nil || !s.did.Load() || ctx.Err() != nil {
		return resp, err
	}
	return m.next.Fetch(context.WithValue(ctx, spliceKey{}, &splice{forbidden: true}), req)
}

// A splice tells whether a download was put together from pieces.
type splice struct {
	forbidden bool
	did       atomic.Bool
}

type spliceKey struct{}

func spliceOf(ctx context.Context) *splice {
	s, _ := ctx.Value(spliceKey{}).(*splice)
	return s
}

func (s *splice) happened() {
	if s != nil {
		s.did.Store(true)
	}
}

// is reports whether the download was.
func (s *splice) is() bool { return s != nil && s.did.Load() }

func (s *splice) isForbidden() bool { return s != nil && s.forbidden }
