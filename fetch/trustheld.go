package fetch

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"strings"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/verify"
)

// verifyHeld looks under the keys for an entry that was not verified well enough for
// today, and verifies it where it is. The error is the flight's outcome. Without one the
// file has to be downloaded, and the disagreement is why what the store holds will not do;
// it is nil if the store holds nothing that will stay there.
func (c *core) verifyHeld(ctx context.Context, req upstream.Request, e *verify.Expectation, keys ...string) (*disagreement, error) {
	for _, key := range keys {
		entry, err := c.store.Get(ctx, key)
		if err != nil {
			continue
		}
		held, err := c.verifyEntry(ctx, req, key, entry, e)
		entry.Body.Close()
		if err != nil || held != nil {
			return held, err
		}
	}
	return nil, nil
}

func (c *core) verifyEntry(ctx context.Context, req upstream.Request, key string, entry *cache.Entry, e *verify.Expectation) (*disagreement, error) {
	sums, err := e.Wait(ctx)
	switch {
	case err != nil && c.mayServeUnverified(err):
		c.later.add(req)
		return nil, heldUnverified{key}
	case err != nil && refuses(err):
		if key == apart(req) && !errors.Is(err, verify.ErrNotListed) { // what one go.sum leaves out may be in another
			c.drop(ctx, key)
		}
		return nil, nil // the sources may say that it does not exist
	case err != nil:
		return nil, unverifiable(req, err)
	}
	if err := c.verifier.Check(moduleOf(req), req.Kind(), entry.Body, entry.Size, sums); err != nil {
		return c.contradict(ctx, req, key, entry, sums, err), nil
	}
	meta := entry.Meta
	meta.Verified = sums.Mark(req.Kind())
	c.watch.verified(ctx, Verification{Request: req, Verified: meta.Verified})
	if err := c.store.Put(context.WithoutCancel(ctx), req.Key(), cache.Content{Meta: meta, Size: entry.Size, Body: entry.Body}); err != nil {
		c.log.Warn("storing what was verified failed", "key", req.Key(), "error", err)
		return nil, nil
	}
	c.drop(ctx, apart(req))
	return nil, errAtHand
}

// contradict decides what becomes of an entry that is not what the sums say. What is
// damaged is nobody's any more. What nobody vouched for, here or where it is kept apart,
// waits for a Verifier's word, and this is one, unless it is that of a go.sum file, of
// which everybody has another. The rest is whole, and stays: to others who share the
// store it may be the right file.
func (c *core) contradict(ctx context.Context, req upstream.Request, key string, entry *cache.Entry, sums verify.Sums, why error) *disagreement {
	untrusted := &upstream.Error{Class: upstream.Untrusted, Request: req, Source: entry.Layer, Err: why}
	c.watch.verified(ctx, Verification{Request: req, Err: untrusted})
	switch {
	case !isWhole(entry), !sums.GoSum && c.waits(entry.Verified):
		c.log.Error("what the cache holds is not what it should be; it is dropped and fetched again", "key", key, "error", why)
		c.drop(ctx, key)
		return nil
	case key == apart(req):
		return nil
	}
	c.log.Error("what the cache holds is whole, and not what this Verifier says; it stays for others, and is fetched again for this one: if it is wrong, purge the module",
		"key", key, "verified", entry.Verified, "error", why)
	return &disagreement{untrusted}
}

// waits reports whether an entry that was verified in that way may be judged by any
// Verifier that is no go.sum file. With WhenReachable that is so whoever vouched for it: it
// would be handed out the next time that the Verifier cannot be asked.
func (c *core) waits(verified string) bool {
	vouched := verified == verify.ByDatabase || verified == verify.ByVerifier || strings.HasPrefix(verified, verify.ByGoSum)
	return c.opts.WhenReachable || !vouched
}

// drop removes an entry, also for who waits no longer.
func (c *core) drop(ctx context.Context, key string) {
	cache.Delete(context.WithoutCancel(ctx), c.store, key)
}

// isWhole reports whether an entry's bytes are those that were stored. A store may
// have looked at them long ago, and what cannot be read is not whole.
func isWhole(entry *cache.Entry) bool {
	hash := sha256.New()
	n, err := io.Copy(hash, io.NewSectionReader(entry.Body, 0, entry.Size))
	return err == nil && n == entry.Size && cache.Digest(hash.Sum(nil)) == entry.Digest
}

// A disagreement is about a file that the store holds, whole, and that is not what the
// Verifier of today says. Several Clients may share the store, and the go.sum of one
// may be wrong, or older than a tag that was moved. So what is stored is neither removed
// for it nor replaced by what a source sends that does match: that is handed out to
// those who vouch for it, and fetched again when they ask again. That costs them a
// download each time, where to replace it could cost others the only copy of what
// their go.sum files list. If it is they who are right, [Client.Purge] makes room.
//
// A nil disagreement is none.
type disagreement struct {
	err *upstream.Error // of class Untrusted, with both hashes
}

// stays reports whether what is stored keeps its place although a source has sent the
// file as it was verified in that way. It makes way for the checksum database, which is
// the same for all who share the store.
func (d *disagreement) stays(verified string) bool { return d != nil && verified != verify.ByDatabase }

// orElse returns the error for a download that failed with err: that the stored file is
// not to be trusted, if the sources did not answer. Their answers are more helpful.
func (d *disagreement) orElse(err error) error {
	if d == nil {
		return err
	}
	e := upstream.AsError(err, d.err.Request, "")
	switch e.Class {
	case upstream.Unavailable, upstream.Timeout, upstream.Overloaded:
	default:
		return err
	}
	both := *d.err
	both.Attempts = []*upstream.Error{d.err}
	if len(e.Attempts) == 0 {
		both.Attempts = append(both.Attempts, e)
	} else {
		both.Attempts = append(both.Attempts, e.Attempts...)
	}
	return &both
}

// heldOffline returns what the store holds and was not verified well enough, if
// it can be verified by what the store holds too, or if the policy serves it
// all the same; else nil. The error is that it is whole, and is not what it must be.
func (c *core) heldOffline(ctx context.Context, req upstream.Request) (*upstream.Response, error) {
	if !c.mustVerify(req) {
		return nil, nil
	}
	ctx, stop := context.WithCancel(upstream.WithOffline(ctx))
	e := verify.Begin(ctx, c.verifier, moduleOf(req), req.Kind())
	defer e.Wait(context.Background())
	defer stop()
	held, outcome := c.verifyHeld(ctx, req, e, req.Key(), apart(req))
	if held != nil {
		return nil, held.err
	}
	return c.atHand(ctx, req, outcome), nil
}
