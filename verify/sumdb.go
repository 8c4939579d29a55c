package verify

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/upstream"
	"golang.org/x/mod/module"
)

// ByDatabase is the [upstream.Response.Verified] of content that the checksum
// database vouches for.
const ByDatabase = "checksum database"

// SumDBOptions tunes a [SumDB]; nil and zero fields mean the defaults.
type SumDBOptions struct {
	// LatestTTL is how long the tree head counts as the latest one. Default:
	// 1 minute.
	LatestTTL time.Duration

	// OnSecurityEvent is called when a database contradicts itself or a
	// signature does not verify. Calls may come from many goroutines at once. Default:
	// nobody is told but the Logger.
	OnSecurityEvent func(SecurityEvent)

	// Strike is called with the name of a source whose answer had the right form
	// and turned out to be wrong when it was compared with others, which is too
	// late for its circuit to see by itself. Default: nobody is told.
	Strike func(source string, err error)

	// TakeTurn is called before a look-up or a tile is asked for that the store
	// lacks, so that all who share the store ask once. It is not for a tree head,
	// which changes, nor for the tiles that prove one: they are not stored before
	// it is clear that the database does not contradict itself. Default: each asks
	// for itself.
	TakeTurn TakeTurn

	// Logger gets what no caller is told, such as a store that fails.
	// Default: [slog.Default].
	Logger *slog.Logger
}

// A SumDB verifies what a checksum database says by the database's transparency
// log, keeps what it has verified, and serves it: it is a [Verifier], and an
// [upstream.Upstream] for the requests that name its database.
//
// Nothing that a source answers is believed: a tree head must be signed by the
// database's key and contain the head that is known already, a look-up must be
// in the tree, a tile must hash to what the tree says. What passed is kept in
// the store (records, tiles, and by compare-and-swap the tree head), so that a
// process that starts later verifies known modules without asking anybody. An
// error is never kept.
//
// It differs from golang.org/x/mod/sumdb.Client, on whose building blocks it is
// made: calls take a context, a failure is forgotten with the call, a security
// error can be told from an outage, and tiles of a tree that turns out to be
// forked are not stored.
//
// Its methods may be called by many goroutines at once, and by many processes that
// share the store.
type SumDB struct {
	db     *Database
	source upstream.Upstream
	store  cache.Store
	opts   SumDBOptions

	reports   atomic.Int64  // security events so far
	advancing chan struct{} // full while somebody moves the head
	mu        sync.Mutex
	head      head      // the latest tree head that was verified
	loaded    bool      // the store was asked for it
	checked   time.Time // when a source was last asked what is latest
	standing  SumDBStanding
}

// NewSumDB returns a SumDB for db, which asks source and keeps what it learns in
// store. Requests to source are not coalesced here.
func NewSumDB(db *Database, source upstream.Upstream, store cache.Store, opts *SumDBOptions) *SumDB {
	s := &SumDB{db: db, source: source, store: store, advancing: make(chan struct{}, 1)}
	if opts != nil {
		s.opts = *opts
	}
	if s.opts.LatestTTL == 0 {
		s.opts.LatestTTL = time.Minute
	}
	if s.opts.Logger == nil {
		s.opts.Logger = slog.Default()
	}
	return s
}

// Name returns the database's name.
func (s *SumDB) Name() string { return s.db.Name }

var errNoRecord = errors.New("there is no record of this version: if the module is private, exempt it with GONOSUMDB or GOPRIVATE")

// Expect returns the sums that the database has for m. That it has no record of
// m is of class Denied; that it cannot be asked is of the class of that failure,
// and its text names the database, for its Source is whom the database was asked
// through.
func (s *SumDB) Expect(ctx context.Context, m module.Version, _ upstream.Kind) (Sums, error) {
	rec, err := s.record(ctx, m)
	if err != nil {
		e := *upstream.AsError(err, upstream.Request{}, s.db.Name)
		switch {
		case e.Class == upstream.Unavailable || e.Class == upstream.Timeout:
			e.Err = s.notAsked(e.Err)
		case e.Class != upstream.NotFound:
		case !e.Conclusive():
			e.Class, e.Err = upstream.Unavailable, fmt.Errorf("checksum database %s: not all who might know of it could be asked", s.db.Name)
		default:
			e.Class, e.Err = upstream.Denied, fmt.Errorf("checksum database %s: %w", s.db.Name, errNoRecord)
		}
		return Sums{}, &e
	}
	return rec.sums(m, s.db.Name)
}

// notAsked names the database as what could not be asked, and why if that is known
// beyond a status.
func (s *SumDB) notAsked(why error) error {
	if why == nil {
		return fmt.Errorf("checksum database %s cannot be asked", s.db.Name)
	}
	return fmt.Errorf("checksum database %s cannot be asked: %w", s.db.Name, why)
}

// Check is the function [Check].
func (s *SumDB) Check(m module.Version, k upstream.Kind, content io.ReaderAt, size int64, want Sums) error {
	return Check(m, k, content, size, want)
}

// Fetch answers requests for the database: that it is supported, its latest
// tree head, a record with that head, a tile of that tree. What it answers has
// been verified, and together it is consistent, also offline.
func (s *SumDB) Fetch(ctx context.Context, req upstream.Request) (*upstream.Response, error) {
	if req.Database() != s.db.Name {
		return nil, &upstream.Error{Class: upstream.NotFound, Request: req, Source: s.db.Name, Err: errors.New("not of this checksum database")}
	}
	if ctx.Err() != nil {
		return nil, upstream.ContextError(ctx, req, s.db.Name)
	}
	var data []byte
	var err error
	switch req.Kind() {
	case upstream.SumDBSupported:
		data = nil
	case upstream.SumDBLatest:
		data, err = s.latest(ctx)
	case upstream.SumDBLookup:
		data, err = s.lookup(ctx, module.Version{Path: req.Module(), Version: req.Version()})
	default:
		data, err = s.tile(ctx, req)
	}
	if err != nil {
		return nil, upstream.AsError(err, req, s.db.Name)
	}
	digest := sha256.Sum256(data)
	return &upstream.Response{
		Body: cache.NewBody(data), Size: int64(len(data)), Source: s.db.Name, Origin: s.db.Name,
		Verified: ByDatabase, Digest: hex.EncodeToString(digest[:]),
	}, nil
}

// request returns the request for a resource of the database.
func (s *SumDB) request(resource string) (upstream.Request, error) {
	return upstream.NewSumDBRequest(s.db.Name, resource)
}

// ask asks the source for a resource.
func (s *SumDB) ask(ctx context.Context, req upstream.Request) (data []byte, source string, err error) {
	if upstream.Offline(ctx) {
		return nil, "", &upstream.Error{Request: req, Err: upstream.ErrOffline}
	}
	data, source, err = s.read(ctx, req)
	s.noteAnswer(err)
	return data, source, err
}

// read takes in what the source answers.
func (s *SumDB) read(ctx context.Context, req upstream.Request) (data []byte, source string, err error) {
	resp, err := s.source.Fetch(ctx, req)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	limit := req.Kind().MaxSize()
	data, err = io.ReadAll(io.LimitReader(resp.Body, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("answer is larger than the %d bytes allowed", limit)
	}
	if err != nil {
		return nil, "", upstream.AsError(err, req, resp.Source)
	}
	return data, resp.Source, nil
}

// keep stores what has been verified. Failure costs only asking again.
func (s *SumDB) keep(ctx context.Context, key string, data []byte) {
	c := cache.Content{Meta: s.meta(), Size: int64(len(data)), Body: strings.NewReader(string(data))}
	if err := s.store.Put(context.WithoutCancel(ctx), key, c); err != nil && !errors.Is(err, cache.ErrTooLarge) {
		s.opts.Logger.Warn("storing a checksum database's answer failed", "key", key, "error", err)
	}
}

// held returns what was stored under key after verification.
func (s *SumDB) held(ctx context.Context, key string) ([]byte, bool) {
	data, meta, err := cache.ReadSmall(ctx, s.store, key)
	return data, err == nil && meta.Verified == ByDatabase
}

func (s *SumDB) meta() cache.Meta {
	return cache.Meta{Fetched: time.Now(), Origin: s.db.Name, Verified: ByDatabase}
}
