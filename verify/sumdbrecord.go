package verify

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/breakwater-go/breakwater/upstream"
	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb/tlog"
)

// record is a verified entry of the database.
type record struct {
	id   int64
	text []byte // go.sum lines
}

// names reports whether the record is one of m: any record of the tree would
// pass for it otherwise.
func (r record) names(m module.Version) bool {
	prefix := m.Path + " " + m.Version
	for line := range strings.Lines(string(r.text)) {
		if rest, ok := strings.CutPrefix(line, prefix); ok && (rest[0] == ' ' || strings.HasPrefix(rest, "/go.mod ")) {
			return true
		}
	}
	return false
}

// sums returns what the record says of m.
func (r record) sums(m module.Version, by string) (Sums, error) {
	sums := Sums{By: by, SumDB: true}
	for line := range strings.Lines(string(r.text)) {
		fields := strings.Fields(line)
		if len(fields) != 3 || fields[0] != m.Path {
			continue
		}
		switch fields[1] {
		case m.Version:
			sums.Zip = append(sums.Zip, fields[2])
		case m.Version + "/go.mod":
			sums.Mod = append(sums.Mod, fields[2])
		}
	}
	if sums.Zip == nil || sums.Mod == nil {
		return Sums{}, &upstream.Error{Class: upstream.Untrusted, Subject: m.String(), Source: by, Err: errors.New("the checksum database's record does not name both sums")}
	}
	return sums, nil
}

// A TakeTurn waits until nobody else, in this process or in another that shares
// the store, is about to ask for req and to store the answer. The caller looks
// into the store then, asks with the context that it is given, and calls over with
// its outcome when what it learnt is stored. An error is the outcome of the one
// who was waited for. It must not wait for ever: a look-up's turn is held while
// the turns of tiles are waited for, in the order of their paths. It may be called
// by many goroutines at once.
type TakeTurn func(ctx context.Context, req upstream.Request) (turn context.Context, over func(error), err error)

// takeTurn takes a turn, if there are any, and reports whether it did: then
// somebody may have stored what is wanted meanwhile.
func (s *SumDB) takeTurn(ctx context.Context, req upstream.Request) (turn context.Context, over func(error), taken bool, err error) {
	if s.opts.TakeTurn == nil || upstream.Offline(ctx) {
		return ctx, func(error) {}, false, nil
	}
	turn, over, err = s.opts.TakeTurn(ctx, req)
	return turn, over, true, err
}

func (s *SumDB) lookupRequest(m module.Version) (upstream.Request, error) {
	path, err := module.EscapePath(m.Path)
	if err != nil {
		return upstream.Request{}, err
	}
	version, err := module.EscapeVersion(m.Version)
	if err != nil {
		return upstream.Request{}, err
	}
	return s.request("lookup/" + path + "@" + version)
}

// record returns the verified record of m, from the store if it is there.
func (s *SumDB) record(ctx context.Context, m module.Version) (rec record, err error) {
	req, err := s.lookupRequest(m)
	if err != nil {
		return record{}, err
	}
	if rec, ok := s.heldRecord(ctx, req); ok {
		return rec, nil
	}
	ctx, over, taken, err := s.takeTurn(ctx, req)
	if err != nil {
		return record{}, err
	}
	defer func() { over(err) }()
	if taken {
		if rec, ok := s.heldRecord(ctx, req); ok {
			return rec, nil
		}
	}
	return s.askRecord(ctx, req, m)
}

// heldRecord returns a record from the store.
func (s *SumDB) heldRecord(ctx context.Context, req upstream.Request) (record, bool) {
	data, ok := s.held(ctx, req.Key())
	if !ok {
		return record{}, false
	}
	id, text, _, err := tlog.ParseRecord(data)
	return record{id, text}, err == nil
}

// askRecord asks the source for the record of m, verifies it, and stores it.
func (s *SumDB) askRecord(ctx context.Context, req upstream.Request, m module.Version) (_ record, err error) {
	defer func() { s.noteFailure(ctx, err) }()
	data, source, err := s.ask(ctx, req)
	if err != nil {
		return record{}, err
	}
	id, text, treeMsg, err := tlog.ParseRecord(data)
	if err != nil {
		return record{}, &upstream.Error{Request: req, Source: source, Err: err}
	}
	if err := s.merge(ctx, treeMsg, source); err != nil {
		return record{}, err
	}
	rec := record{id, text}
	if err := s.checkRecord(ctx, req, rec, source, data); err != nil {
		return record{}, err
	}
	if !rec.names(m) {
		return record{}, s.accuse(ctx, source, fmt.Errorf("the record is one of another module, not for %v", req), data)
	}
	// Kept with the head that is known, whose tiles are in the store, and not with
	// the one that it came with: whoever reads the store as a proxy has the proof.
	if data, err = s.withHead(ctx, rec); err == nil {
		s.keep(ctx, req.Key(), data)
	}
	return rec, nil
}

// checkRecord checks that the record is in the tree, at the place that it says.
func (s *SumDB) checkRecord(ctx context.Context, req upstream.Request, rec record, source string, evidence []byte) error {
	known := s.current(ctx)
	if rec.id < 0 || rec.id >= known.tree.N {
		return s.accuse(ctx, source, fmt.Errorf("record %d is beyond the end of the tree that came with it", rec.id), evidence)
	}
	hash, _, err := readProven(ctx, s, known.tree, func(r tlog.HashReader) (tlog.Hash, error) {
		hashes, err := r.ReadHashes([]int64{tlog.StoredHashIndex(0, rec.id)})
		if err != nil {
			return tlog.Hash{}, err
		}
		return hashes[0], nil
	})
	if err != nil {
		return err
	}
	if hash != tlog.RecordHash(rec.text) {
		return s.accuse(ctx, source, fmt.Errorf("the record is not the one in the tree, for %v", req), evidence, known.msg)
	}
	return nil
}

// lookup returns the record of m with the current head, as a database answers a
// look-up. The head is past the record, and the tiles that prove the one by the
// other are in the store.
func (s *SumDB) lookup(ctx context.Context, m module.Version) ([]byte, error) {
	rec, err := s.record(ctx, m)
	if err != nil {
		return nil, err
	}
	if rec.id >= s.current(ctx).tree.N { // the stored head was lost
		if err := s.update(ctx); err != nil {
			return nil, lacking(err)
		}
	}
	return s.withHead(ctx, rec)
}

// withHead returns a record with the current head, as a look-up's answer.
func (s *SumDB) withHead(ctx context.Context, rec record) ([]byte, error) {
	data, err := tlog.FormatRecord(rec.id, rec.text)
	if err != nil {
		return nil, err
	}
	return append(data, s.current(ctx).msg...), nil
}
