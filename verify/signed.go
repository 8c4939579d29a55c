package verify

import (
	"context"
	"errors"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/upstream"
	"golang.org/x/mod/sumdb/tlog"
)

// Signed returns middleware for one source that checks the signature on each
// tree head of the database that the source sends, so that a bad one counts
// against that source and the next one is asked. It is reported as a security
// event, and the error is of class Untrusted. It belongs around [Spooled]: an answer
// that is not spooled cannot be checked, and is a failure.
func (s *SumDB) Signed() upstream.Middleware {
	return func(next upstream.Upstream) upstream.Upstream {
		return &signed{next, s}
	}
}

type signed struct {
	next upstream.Upstream
	s    *SumDB
}

func (m *signed) Unwrap() upstream.Upstream { return m.next }

func (m *signed) Fetch(ctx context.Context, req upstream.Request) (*upstream.Response, error) {
	resp, err := m.next.Fetch(ctx, req)
	if err != nil || req.Database() != m.s.db.Name {
		return resp, err
	}
	if !signedKind(req.Kind()) {
		return resp, nil
	}
	body, ok := resp.Body.(*cache.SpoolReader)
	if !ok {
		resp.Body.Close()
		return nil, &upstream.Error{Request: req, Source: resp.Source, Err: errors.New("signatures are for spooled answers")}
	}
	data, err := readSpool(body.Spool())
	if err == nil {
		err = m.check(ctx, req, resp.Source, data)
	}
	if err != nil {
		resp.Body.Close()
		return nil, err
	}
	return resp, nil
}

func signedKind(k upstream.Kind) bool {
	return k == upstream.SumDBLatest || k == upstream.SumDBLookup
}

func (m *signed) check(ctx context.Context, req upstream.Request, source string, data []byte) error {
	msg := data
	if req.Kind() == upstream.SumDBLookup {
		_, _, rest, err := tlog.ParseRecord(data)
		if err != nil {
			return &upstream.Error{Request: req, Source: source, Err: err}
		}
		msg = rest
	}
	if _, err := m.s.open(msg); err != nil {
		return m.s.security(ctx, source, err, data)
	}
	return nil
}
