package fetch

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"maps"
	"strings"
	"sync"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/upstream"
)

// errNotKept is why a file is not in a store that took it without an error.
var errNotKept = errors.New("the store took it and does not have it, as one does whose bounds are too small for all that it is given")

// errOther is why a file is not in a store that has one of its name. See [disagreement].
var errOther = errors.New("another file of that name is there, whole, and others vouch for it")

// A bundleStore fills a store through a Client, and tells its caller what the Client
// keeps from its callers: why something could not be stored.
type bundleStore struct {
	client *Client
	store  cache.Store
	files  unstored
}

func newBundleStore(c *Client, s cache.Store) *bundleStore {
	b := &bundleStore{client: c, store: s}
	c.Observe(&Trace{Commit: func(_ context.Context, done Commit) { b.files.note(done.Request.Key(), done.Err) }})
	return b
}

// fetch has the Client fetch a file into the store, and sees that it is there. If it
// is not, the error is an [*UnstoredError].
func (b *bundleStore) fetch(ctx context.Context, req upstream.Request) error {
	resp, err := b.client.Fetch(ctx, req)
	if err != nil {
		if cause := ourOwn(err); cause != nil {
			return unstoredIn(b.store, req.Key(), cause)
		}
		return err
	}
	resp.Body.Close()
	if err := b.client.storing.wait(ctx); err != nil {
		return err
	}
	return b.find(ctx, req, resp.Digest)
}

// find reports why a file with that digest is not in the store; nil if it is.
func (b *bundleStore) find(ctx context.Context, req upstream.Request, digest string) error {
	cause := b.files.take(req.Key())
	e, err := b.store.Get(ctx, req.Key())
	switch {
	case err == nil && e.Digest.String() != digest && (req.Kind() == upstream.Mod || req.Kind() == upstream.Zip):
		e.Body.Close()
		return unstoredIn(b.store, req.Key(), errOther)
	case err == nil:
		return e.Body.Close()
	case ctx.Err() != nil:
		return upstream.ContextError(ctx, req, "")
	case cause != nil:
		return unstoredIn(b.store, req.Key(), cause)
	case errors.Is(err, fs.ErrNotExist): // which would pass for a module that does not exist
		return unstoredIn(b.store, req.Key(), errNotKept)
	}
	return unstoredIn(b.store, req.Key(), err)
}

func unstoredIn(s cache.Store, key string, cause error) error {
	e := &UnstoredError{Key: key, Err: cause}
	for _, layer := range cache.UsageOf(s) {
		e.Dir = cmp.Or(e.Dir, layer.Dir)
	}
	return e
}

// ourOwn returns why a download was not kept for want of a place to keep it in, for
// which no source is to blame; nil if it failed in another way.
func ourOwn(err error) error {
	e, ok := errors.AsType[*upstream.Error](err)
	if !ok || e.Source != "" {
		return nil
	}
	if _, ok := errors.AsType[*fs.PathError](err); !ok {
		return nil
	}
	return e.Err
}

// A bundleDisk is a bundle's directory, which notes what could not be stored of what
// proves its files. A Client does without that, since it can ask again; who has
// nothing but the bundle cannot.
type bundleDisk struct {
	*cache.Disk
	proofs unstored
}

// Put stores content, as [cache.Disk.Put] does.
func (d *bundleDisk) Put(ctx context.Context, key string, c cache.Content) error {
	err := d.Disk.Put(ctx, key, c)
	d.note(key, err)
	return err
}

// Swap replaces content, as [cache.Disk.Swap] does.
func (d *bundleDisk) Swap(ctx context.Context, key string, old, next []byte, meta cache.Meta) error {
	err := d.Disk.Swap(ctx, key, old, next, meta)
	if !errors.Is(err, cache.ErrConflict) { // after which it is tried again
		d.note(key, err)
	}
	return err
}

func (d *bundleDisk) note(key string, err error) {
	if strings.HasPrefix(key, "sumdb/") {
		d.proofs.note(key, err)
	}
}

// incomplete returns why files may be there without what proves them; nil if all is.
func (d *bundleDisk) incomplete() error {
	var failed failures
	for key, err := range d.proofs.all() {
		failed.add(unstoredIn(d.Disk, key, err))
	}
	return failed.join(nil)
}

// unstored is what could not be stored the last time that it was tried, by key.
type unstored struct {
	mu  sync.Mutex
	why map[string]error
}

func (u *unstored) note(key string, err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if err == nil {
		delete(u.why, key)
		return
	}
	if u.why == nil {
		u.why = map[string]error{}
	}
	u.why[key] = err
}

// take returns why a key was not stored, or nil, and forgets it.
func (u *unstored) take(key string) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	err := u.why[key]
	delete(u.why, key)
	return err
}

func (u *unstored) all() map[string]error {
	u.mu.Lock()
	defer u.mu.Unlock()
	return maps.Clone(u.why)
}
