package fetch

import (
	"context"
	"strings"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/upstream"
	"golang.org/x/mod/module"
)

// Purge removes what the store holds of the modules that match the patterns, which
// are as in GOPRIVATE, and returns how many entries that were. What was remembered
// of them is forgotten, too. What is being fetched at the time may come back. The
// store must be a [cache.Lister] and a [cache.Deleter]; if not, the error is
// [cache.ErrNotLister]. Patterns must satisfy [upstream.CheckPatterns].
func (c *Client) Purge(ctx context.Context, patterns string) (int, error) {
	if err := upstream.CheckPatterns(patterns); err != nil {
		return 0, err
	}
	if err := c.storing.wait(ctx); err != nil {
		return 0, err
	}
	n, err := cache.Purge(ctx, c.store, func(key string) bool {
		req, err := upstream.ParsePath("/" + strings.TrimPrefix(key, unverifiedPrefix))
		return err == nil && req.Module() != "" && module.MatchPrefixPatterns(patterns, req.Module())
	})
	now := c.core.Load()
	now.notFound.forget(patterns)
	now.failing.forget(patterns)
	return n, err
}
