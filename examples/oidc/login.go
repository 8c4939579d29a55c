package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/breakwater-go/breakwater/fetch/guard"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/coreos/go-oidc/v3/oidc"
)

// login knows whose a token is.
type login struct {
	verifier *oidc.IDTokenVerifier
}

// newLogin asks the provider at issuer for its configuration. Tokens have to be
// meant for audience: one that was issued for another service opens nothing here.
func newLogin(ctx context.Context, issuer, audience string) (*login, error) {
	client := &http.Client{Transport: successOnly{http.DefaultTransport}, Timeout: 10 * time.Second}
	provider, err := oidc.NewProvider(oidc.ClientContext(ctx, client), issuer)
	if err != nil {
		return nil, fmt.Errorf("asking the OpenID provider: %w", err)
	}
	var found struct {
		Keys       string   `json:"jwks_uri"`
		Algorithms []string `json:"id_token_signing_alg_values_supported"`
	}
	if err := provider.Claims(&found); err != nil {
		return nil, fmt.Errorf("asking the OpenID provider: %w", err)
	}
	// The keys are fetched when they are first needed, and when a token names
	// one that is not among them, whatever has become of ctx by then.
	set := keys{oidc.NewRemoteKeySet(oidc.ClientContext(context.WithoutCancel(ctx), client), found.Keys)}
	return &login{oidc.NewVerifier(issuer, set, &oidc.Config{
		ClientID:             audience,
		SupportedSigningAlgs: asymmetric(found.Algorithms),
	})}, nil
}

// asymmetric keeps the algorithms by which a public key verifies: never "none",
// nor one with a shared secret.
func asymmetric(algorithms []string) []string {
	var kept []string
	for _, a := range algorithms {
		switch a {
		case oidc.RS256, oidc.RS384, oidc.RS512, oidc.ES256, oidc.ES384, oidc.ES512, oidc.PS256, oidc.PS384, oidc.PS512, oidc.EdDSA:
			kept = append(kept, a)
		}
	}
	return kept
}

// bearer takes the token from the header that a GOAUTH command prints.
func (l *login) bearer() guard.Authenticator { return guard.BearerFunc("modules", l.verify) }

// password takes the token from where a netrc file has it. The user there is
// nothing that was proved: the caller's name is the token's subject.
func (l *login) password() guard.Authenticator {
	return guard.BasicFunc("modules", func(ctx context.Context, _, password string) (string, error) {
		return l.verify(ctx, password)
	})
}

// verify returns the subject of a token that is good. If the provider's keys
// cannot be had, that is no reason to refuse anybody: it is Unavailable.
func (l *login) verify(ctx context.Context, raw string) (string, error) {
	var outage error
	token, err := l.verifier.Verify(context.WithValue(ctx, outageKey{}, &outage), raw)
	switch {
	case outage != nil:
		return "", &upstream.Error{Class: upstream.Unavailable, Source: "the OpenID provider", Err: outage}
	case errors.As(err, new(*oidc.TokenExpiredError)):
		return "", errors.New("the token has expired: get a new one")
	case err != nil || token.Subject == "":
		return "", errors.New("the token is not valid here: get one from the provider that this proxy trusts")
	}
	return token.Subject, nil
}
