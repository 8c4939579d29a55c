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
	failed    error     // what came in place of an answer
	failedAt  time.Time // for those who have waited since before
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
	begun := time.Now()
	if supported, err, known := d.remembered(begun); known {
		return supported, err
	}
	select {
	case d.asking <- struct{}{}:
	case <-ctx.Done():
		return false, upstream.ContextError(ctx, upstream.Request{}, d.database.Name)
	}
	defer func() { <-d.asking }()
	if supported, err, known := d.remembered(begun); known {
		return supported, err
	}
	return d.ask(ctx)
}

// remembered returns the answer, if it is known, or the failure of who asked while
// one who began to wait at since was waiting.
func (d *databaseRoute) remembered(since time.Time) (supported bool, err error, known bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.failedAt.After(since) {
		return false, d.failed, true
	}
	return d.supported, nil, time.Now().Before(d.until)
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
	d.mu.Lock()
	defer d.mu.Unlock()
	if e := upstream.AsError(err, req, ""); e != nil && !(e.Class == upstream.NotFound && e.Conclusive()) {
		if ctx.Err() == nil {
			d.failed, d.failedAt = e, time.Now()
		}
		return false, e
	}
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
