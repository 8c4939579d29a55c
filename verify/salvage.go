package verify

import (
	"context"
	"sync"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/upstream"
)

// A Salvage keeps what a zip that broke off has brought, so that the next source
// that is asked for it may go on from there. One belongs to one file, however
// many sources and tries it takes, also where some are asked at once; whoever makes it
// closes it.
type Salvage struct {
	req upstream.Request

	mu     sync.Mutex
	spool  *cache.Spool
	point  upstream.ResumePoint
	from   string // the source of it
	closed bool

	// vain holds the sources that were asked to go on and brought nothing: they
	// are asked for the whole.
	vain map[string]bool
}

type salvageKey struct{}

// WithSalvage returns a context for fetching req, and the Salvage that it
// carries.
func WithSalvage(ctx context.Context, req upstream.Request) (context.Context, *Salvage) {
	s := &Salvage{req: req}
	return context.WithValue(ctx, salvageKey{}, s), s
}

// salvageOf returns the Salvage for req, or nil, whose methods do nothing.
func salvageOf(ctx context.Context, req upstream.Request) *Salvage {
	s, _ := ctx.Value(salvageKey{}).(*Salvage)
	if s == nil || s.req != req || spliceOf(ctx).isForbidden() {
		return nil
	}
	return s
}

// take hands over what there is, if it is for source to go on with: not if it was
// asked for that in vain before, and not if nothing but a date says that its file
// is the one of another source and nobody checks the outcome.
func (s *Salvage) take(source string, checked bool) (spool *cache.Spool, point upstream.ResumePoint, from string) {
	if s == nil {
		return nil, upstream.ResumePoint{}, ""
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.vain[source] || !checked && s.from != source && !isETag(s.point.Validator) {
		return nil, upstream.ResumePoint{}, ""
	}
	spool, point, from = s.spool, s.point, s.from
	s.spool, s.point = nil, upstream.ResumePoint{}
	return spool, point, from
}

// keep takes a spool over, if it has more than what there is, and reports
// whether it did.
func (s *Salvage) keep(spool *cache.Spool, point upstream.ResumePoint, from string) bool {
	if s == nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || point.Offset <= s.point.Offset {
		return false
	}
	if s.spool != nil {
		s.spool.Close()
	}
	s.spool, s.point, s.from = spool, point, from
	return true
}

// inVain notes that a source was asked to go on and brought nothing.
func (s *Salvage) inVain(source string) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.vain == nil {
		s.vain = map[string]bool{}
	}
	s.vain[source] = true
}

// isVain reports whether a source was asked to go on and brought nothing.
func (s *Salvage) isVain(source string) bool {
	if s == nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.vain[source]
}

// Close gives up what there is. Nothing is kept afterwards.
func (s *Salvage) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	if s.spool != nil {
		s.spool.Close()
	}
	s.spool, s.point = nil, upstream.ResumePoint{}
}
