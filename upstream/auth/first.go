package auth

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"

	"github.com/breakwater-go/breakwater/upstream"
)

// First returns credentials that are those of the first of all that has any for
// a URL, whatever the lengths of their prefixes. An error counts only where
// nobody has any. After a refusal the first counts that has others.
func First(all ...upstream.Credentials) upstream.Credentials { return first(slices.Clone(all)) }

type first []upstream.Credentials

func (f first) Header(ctx context.Context, u *url.URL) (http.Header, error) {
	var errs []error
	for _, c := range f {
		fields, err := c.Header(ctx, u)
		if len(fields) > 0 && err == nil {
			return fields, nil
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

func (f first) Refresh(ctx context.Context, u *url.URL, sent http.Header, refusal *http.Response) (http.Header, error) {
	var errs []error
	for _, c := range f {
		r, ok := c.(upstream.CredentialsRefresher)
		if !ok {
			continue
		}
		fields, err := r.Refresh(ctx, u, sent, refusal)
		if len(fields) > 0 && err == nil && !maps.EqualFunc(fields, sent, slices.Equal) {
			return fields, nil
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}
