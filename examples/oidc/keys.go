package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/coreos/go-oidc/v3/oidc"
)

// keys are a provider's keys. What go-oidc says of a token does not tell whether
// the token is bad or the keys could not be had; keys tells that in the context.
type keys struct{ oidc.KeySet }

// outageKey is the key of the *error in a context that is set where the keys
// could not be had.
type outageKey struct{}

func (k keys) VerifySignature(ctx context.Context, token string) ([]byte, error) {
	payload, err := k.KeySet.VerifySignature(ctx, token)
	_, failed := errors.AsType[*url.Error](err)
	if outage, ok := ctx.Value(outageKey{}).(*error); ok && (failed || ctx.Err() != nil) {
		*outage = err
	}
	return payload, err
}

// successOnly makes an error of every answer that is not 200, so that the client
// says of them, too, that they are no answer.
type successOnly struct{ http.RoundTripper }

func (s successOnly) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := s.RoundTripper.RoundTrip(r)
	if err != nil || resp.StatusCode == http.StatusOK {
		return resp, err
	}
	resp.Body.Close()
	return nil, fmt.Errorf("it answered %s", resp.Status)
}
