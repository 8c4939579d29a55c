package fetch

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/verify"
)

// supportTTL is how long it is remembered whether the proxies speak for a
// checksum database.
const supportTTL = 10 * time.Minute

// databaseRoute asks for a checksum database where the go command would
// (modfetch/sumdb.go, initBase): the proxies if they say that they support it,
// and if they say that they do not, or if GOSUMDB gives a URL, the database
// itself.
type databaseRoute struct {
	database *verify.Database
	proxies  upstream.Upstream
	itself   upstream.Upstream

	asking chan struct{} // full while somebody asks for support

	mu        sync.Mutex
	supported bool
	until     time.Time
}

func newDatabaseRoute(db *verify.Database, proxies, itself upstream.Upstream) *databaseRoute {
	return &databaseRoute{database: db, proxies: proxies, itself: itself, asking: make(chan struct{}, 1)}
}

func (d *databaseRoute) Fetch(ctx context.Context, req upstream.Request) (*upstream.Response, error) {
	if d.database.Fixed {
		return d.itself.Fetch(ctx, req)
	}
	supported, err := d.supports(ctx)
	switch {
	case err != nil:
		return nil, err
	case !supported:
		return d.itself.Fetch(ctx, req)
	}
	resp, err := d.proxies.Fetch(ctx, req)
	if e, ok := errors.AsType[*upstream.Error](err); ok && e.Source == upstream.Name(upstream.Direct()) {
		// GONOPROXY keeps the module from the proxies, but not from the database.
		return d.itself.Fetch(ctx, req)
	}
	return resp, err
}

// supports reports whether the proxies support the database.
func (d *databaseRoute) supports(ctx context.Context) (bool, error) {
	if supported, known := d.remembered(); known {
		return supported, nil
	}
	select {
	case d.asking <- struct{}{}:
	case <-ctx.Done():
		return false, upstream.ContextError(ctx, upstream.Request{}, d.database.Name)
	}
	defer func() { <-d.asking }()
	if supported, known := d.remembered(); known {
		return supported, nil
	}
	return d.ask(ctx)
}

func (d *databaseRoute) remembered() (supported, known bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.supported, time.Now().Before(d.until)
}

func (d *databaseRoute) ask(ctx context.Context) (bool, error) {
	req, err := upstream.NewSumDBRequest(d.database.Name, "supported")
	if err != nil {
		return false, err
	}
	resp, err := d.proxies.Fetch(ctx, req)
	if err == nil {
		resp.Body.Close()
	}
	if err != nil && upstream.ClassOf(err) != upstream.NotFound {
		return false, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.supported, d.until = err == nil, time.Now().Add(supportTTL)
	return d.supported, nil
}

// Members and With are for finding the sources in it.
func (d *databaseRoute) Members() []upstream.Upstream {
	return []upstream.Upstream{d.proxies, d.itself}
}

func (d *databaseRoute) With(members []upstream.Upstream) upstream.Upstream {
	return newDatabaseRoute(d.database, members[0], members[1])
}
