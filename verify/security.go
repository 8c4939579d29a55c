package verify

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/upstream"
)

// A SecurityEvent is proof that somebody lied: a checksum database about its
// own history, or a source about what the database said.
type SecurityEvent struct {
	Database string   // the database's name
	Source   string   // who delivered it
	Err      error    // what is wrong
	Evidence [][]byte // what was delivered, and what it contradicts

	// Key is the key in the store under which the evidence is kept; empty if it
	// could not be stored, or after the first 100 events of a [SumDB].
	Key string
}

// maxEvidence is how many events a SumDB keeps the evidence of: who lies without
// end must not fill the disk.
const maxEvidence = 100

// security reports an event and returns the error for it. Nothing of the answer
// may be used.
func (s *SumDB) security(ctx context.Context, source string, what error, evidence ...[]byte) error {
	s.report(ctx, SecurityEvent{Source: source, Err: what, Evidence: evidence})
	return &upstream.Error{Class: upstream.Untrusted, Subject: s.db.Name, Source: source, Err: what}
}

// accuse is security for what is found out after the source's answer has passed
// through its circuit: the source is struck.
func (s *SumDB) accuse(ctx context.Context, source string, what error, evidence ...[]byte) error {
	err := s.security(ctx, source, what, evidence...)
	s.strike(source, err)
	return err
}

func (s *SumDB) strike(source string, err error) {
	if s.opts.Strike != nil {
		s.opts.Strike(source, err)
	}
}

// report keeps the evidence, under a name made of it so that the same is kept
// once, and calls the hook.
func (s *SumDB) report(ctx context.Context, e SecurityEvent) {
	e.Database = s.db.Name
	text := fmt.Sprintf("%s\nfrom: %s\n\n%s", e.Err, e.Source, slices.Concat(e.Evidence...))
	sum := sha256.Sum256([]byte(text))
	key := "sumdb-evidence/" + s.db.Name + "/" + hex.EncodeToString(sum[:8])
	content := cache.Content{Meta: s.meta(), Size: int64(len(text)), Body: strings.NewReader(text)}
	content.Verified = ""
	if s.reports.Add(1) <= maxEvidence && s.store.Put(context.WithoutCancel(ctx), key, content) == nil {
		e.Key = key
	}
	s.opts.Logger.Error("a checksum database's answer is not to be trusted",
		"database", e.Database, "source", e.Source, "error", e.Err, "evidence", e.Key)
	if s.opts.OnSecurityEvent != nil {
		s.opts.OnSecurityEvent(e)
	}
}
