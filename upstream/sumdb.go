package upstream

import (
	"context"
	"errors"
	"fmt"
)

// NewSumDB returns a source that asks a checksum database itself, at its own
// URL, for that database's latest tree head, look-ups and tiles. It has nothing
// else: "supported", other databases and module files are [NotFound] without
// anybody being asked. URL, options and errors are as for [NewHTTP].
func NewSumDB(database, baseURL string, opts *HTTPOptions) (Upstream, error) {
	if !validDatabase(database) {
		return nil, fmt.Errorf("%w: %q", errDatabaseName, database)
	}
	u, err := NewHTTP(baseURL, opts)
	if err != nil {
		return nil, err
	}
	h := u.(*httpSource)
	h.database = database
	return &sumDBSource{h}, nil
}

type sumDBSource struct{ *httpSource }

var errNotOfDatabase = errors.New("the checksum database has no such thing")

func (s *sumDBSource) Fetch(ctx context.Context, req Request) (*Response, error) {
	if req.Database() != s.database || req.Kind() == SumDBSupported {
		return nil, &Error{Class: NotFound, Request: req, Source: s.name, Err: errNotOfDatabase}
	}
	return s.httpSource.Fetch(ctx, req)
}
