package fetch

import (
	"math/rand/v2"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/mod/module"
)

// maxRemembered bounds how many errors are remembered at once.
const maxRemembered = 8192

// memory keeps errors for a short while, in memory only, each for a time that
// is jittered by a quarter, so that what was asked together is not asked
// together again.
type memory struct {
	ttl    time.Duration
	errors *lru.Cache[upstream.Request, remembered]
}

type remembered struct {
	err   *upstream.Error
	until time.Time
}

func newMemory(ttl time.Duration) *memory {
	errors, _ := lru.New[upstream.Request, remembered](maxRemembered) // fails only for a size below 1
	return &memory{ttl, errors}
}

func (m *memory) remember(req upstream.Request, err *upstream.Error) {
	if m.ttl <= 0 {
		return
	}
	kept := *err
	kept.Story = nil // which is that of this call, if a Client is our source
	jittered := time.Duration(float64(m.ttl) * (0.75 + rand.Float64()/2))
	m.errors.Add(req, remembered{&kept, time.Now().Add(jittered)})
}

// recall returns the error that is remembered for req, or nil.
func (m *memory) recall(req upstream.Request) *upstream.Error {
	r, ok := m.errors.Get(req)
	if !ok || time.Now().After(r.until) {
		return nil
	}
	err := *r.err
	err.Remembered = true
	return &err
}

// forget drops what is remembered of the modules that match the patterns.
func (m *memory) forget(patterns string) {
	for _, req := range m.errors.Keys() {
		if module.MatchPrefixPatterns(patterns, req.Module()) {
			m.errors.Remove(req)
		}
	}
}

// rememberFailure keeps what a flight's failure says about the next call: that
// the thing does not exist, if every source that was asked agrees, or else that
// there is no use in trying to renew an old answer just now.
func (c *core) rememberFailure(req upstream.Request, err *upstream.Error) {
	switch {
	case err.Class == upstream.NotFound && err.Conclusive():
		c.notFound.remember(req, err)
	case err.Class != upstream.Canceled && !req.Immutable():
		c.failing.remember(req, err)
	}
}
