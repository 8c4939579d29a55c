package verify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/upstream"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// head is a tree head whose signature was verified.
type head struct {
	tree tlog.Tree
	msg  []byte // signed; nil for the empty tree that every log begins with
}

var (
	errSignature = errors.New("the tree head is not signed by the checksum database's key")
	errFork      = errors.New("the checksum database contradicts itself: two of its signed tree heads have no common history")
)

// maxTree bounds the size of a tree: beyond it, the arithmetic of x/mod's tlog
// overflows and does not end.
const maxTree = 1 << 48

// open verifies the signature of a tree head.
func (s *SumDB) open(msg []byte) (head, error) {
	n, err := note.Open(msg, note.VerifierList(s.db.verifier))
	if err != nil {
		return head{}, fmt.Errorf("%w (%w)", errSignature, err)
	}
	tree, err := tlog.ParseTree([]byte(n.Text))
	if err != nil {
		return head{}, fmt.Errorf("%w (%w)", errSignature, err)
	}
	if tree.N > maxTree {
		return head{}, fmt.Errorf("%w (no tree has %d records)", errSignature, tree.N)
	}
	return head{tree, msg}, nil
}

func (s *SumDB) headKey() string { return "sumdb/" + s.db.Name + "/latest" }

// current returns the latest known head; the first call takes it from the store.
func (s *SumDB) current(ctx context.Context) head {
	s.mu.Lock()
	h, loaded := s.head, s.loaded
	s.mu.Unlock()
	if loaded {
		return h
	}
	stored, _ := s.storedHead(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.loaded = true
	if stored.tree.N > s.head.tree.N {
		s.head = stored
	}
	return s.head
}

// storedHead returns the head in the store and its bytes, which are nil if there
// is none. One that does not verify counts as none, but is reported.
func (s *SumDB) storedHead(ctx context.Context) (head, []byte) {
	msg, meta, err := cache.ReadSmall(context.WithoutCancel(ctx), s.store, s.headKey())
	if err != nil {
		return head{}, nil
	}
	h, err := s.open(msg)
	if err != nil || meta.Verified != ByDatabase {
		if err != nil {
			s.report(ctx, SecurityEvent{Err: err, Evidence: [][]byte{msg}, Source: "the cache"})
		}
		return head{}, msg
	}
	return h, msg
}

// merge takes note of a tree head that source delivered: it must be signed, and
// of one history with the head that is known. If it is newer, it becomes the
// head. Afterwards the head is at least as new as msg.
func (s *SumDB) merge(ctx context.Context, msg []byte, source string) error {
	next, err := s.open(msg)
	if err != nil {
		return s.accuse(ctx, source, err, msg)
	}
	isLatest, err := s.mergeHead(ctx, next, source)
	if isLatest {
		s.noteConfirmed()
	}
	return err
}

// mergeHead is merge for a head whose signature was verified. It reports whether the
// head is as new as the one that was known, or newer.
func (s *SumDB) mergeHead(ctx context.Context, next head, source string) (isLatest bool, err error) {
	for {
		known := s.current(ctx)
		if bytes.Equal(next.msg, known.msg) {
			return true, nil
		}
		if next.tree.N <= known.tree.N {
			err := s.prove(ctx, next, known, source)
			return err == nil && next.tree.N == known.tree.N, err
		}
		if done, err := s.advance(ctx, known, next, source); done || err != nil {
			return done, err
		}
	}
}

// advance makes next the head in place of known, if that is still the head. The
// tiles that prove it are stored before it is: so whatever was provable by the
// old head is by the new one, without asking anybody.
func (s *SumDB) advance(ctx context.Context, known, next head, source string) (done bool, err error) {
	select {
	case s.advancing <- struct{}{}:
	case <-ctx.Done():
		return false, upstream.ContextError(ctx, upstream.Request{}, s.db.Name)
	}
	defer func() { <-s.advancing }()
	if s.current(ctx).tree != known.tree {
		return false, nil
	}
	if err := s.prove(ctx, known, next, source); err != nil {
		return false, err
	}
	// Another process may have moved the stored head in the meantime.
	stored, storedMsg := s.storedHead(ctx)
	if stored.tree.N >= next.tree.N {
		return false, s.adopt(ctx, known, stored)
	}
	if stored.tree.N > 0 && stored.tree != known.tree {
		if err := s.prove(ctx, stored, next, source); err != nil {
			return false, err
		}
	}
	err = cache.Swap(context.WithoutCancel(ctx), s.store, s.headKey(), storedMsg, next.msg, s.meta())
	if errors.Is(err, cache.ErrConflict) {
		return false, nil
	}
	if err != nil {
		s.opts.Logger.Warn("storing a checksum database's tree head failed", "database", s.db.Name, "error", err)
	}
	// Where the store is a directory, this is what makes it a proxy of the
	// database for GOPROXY=file://DIR.
	s.keep(ctx, "sumdb/"+s.db.Name+"/supported", nil)
	s.setHead(next)
	return true, nil
}

// adopt makes a head that another process stored the one that is known.
func (s *SumDB) adopt(ctx context.Context, known, stored head) error {
	if err := s.prove(ctx, known, stored, "the cache"); err != nil {
		return err
	}
	s.setHead(stored)
	return nil
}

func (s *SumDB) setHead(h head) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.head, s.loaded = h, true
}

// prove checks that the tree of older is the beginning of the tree of newer.
// Then, and only then, the tiles that were used are stored.
func (s *SumDB) prove(ctx context.Context, older, newer head, source string) error {
	switch {
	case older.tree.N == 0 || older.tree == newer.tree:
		return nil
	case older.tree.N == newer.tree.N: // no tile is needed to see that
		return s.accuse(ctx, source, errFork, older.msg, newer.msg)
	}
	hash, t, err := readTree(ctx, s, newer.tree, source, func(r tlog.HashReader) (tlog.Hash, error) {
		return tlog.TreeHash(older.tree.N, r)
	})
	if err != nil {
		return err
	}
	if hash != older.tree.Hash {
		return s.accuse(ctx, source, errFork, older.msg, newer.msg)
	}
	s.keepTiles(ctx, t)
	return nil
}

// latest returns the signed head, after asking for a newer one if it has not
// been asked for in a while. If nobody can be asked, the known one is the answer.
func (s *SumDB) latest(ctx context.Context) ([]byte, error) {
	s.mu.Lock()
	due := time.Since(s.checked) >= s.opts.LatestTTL
	s.mu.Unlock()
	known := s.current(ctx)
	if !due && known.msg != nil {
		return known.msg, nil
	}
	err := s.update(ctx)
	known = s.current(ctx)
	if err == nil && known.msg == nil {
		err = &upstream.Error{Subject: s.headKey(), Source: s.db.Name, Err: errors.New("the checksum database has no records yet")}
	}
	if err == nil || known.msg != nil && upstream.ClassOf(err) != upstream.Untrusted {
		return known.msg, nil
	}
	return nil, err
}

// update asks the source for the latest head.
func (s *SumDB) update(ctx context.Context) (err error) {
	defer func() {
		if err != nil {
			s.noteFailure(ctx, lacking(err)) // every database has a head
		}
	}()
	req, err := s.request("latest")
	if err != nil {
		return err
	}
	msg, source, err := s.ask(ctx, req)
	s.mu.Lock()
	s.checked = time.Now() // in an outage too, it is not asked for each time
	s.mu.Unlock()
	if err != nil {
		return err
	}
	return s.merge(ctx, msg, source)
}
