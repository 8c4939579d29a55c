package auth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/breakwater-go/breakwater/upstream"
)

// Bearer returns credentials that send "Authorization: Bearer" and what token
// returns, to URLs with one of the prefixes (see the package's documentation; a
// scheme before it is allowed and means nothing). token is called before every
// request, by many goroutines at once, and again when the server says that it
// does not know us; so it should remember its token for as long as that is good.
// White space around the token is cut off. An empty one means: no credentials.
//
// There must be a prefix. The error quotes none, for a URL may hold a password.
func Bearer(token func(context.Context) (string, error), prefixes ...string) (upstream.Credentials, error) {
	return newCaller("bearer", token, prefixes, func(token string) http.Header {
		return http.Header{"Authorization": {"Bearer " + token}}
	})
}

// Basic is [Bearer] for basic authentication (RFC 7617) as user, with the
// password that a function returns. The user's name may hold no colon.
func Basic(user string, password func(context.Context) (string, error), prefixes ...string) (upstream.Credentials, error) {
	if strings.ContainsFunc(user, func(r rune) bool { return r == ':' || isControl(r) || r == '\t' }) {
		return nil, errors.New("the user's name holds a colon or a control character")
	}
	return newCaller("basic", password, prefixes, func(password string) http.Header { return basic(user, password) })
}

// caller asks a function of the program.
type caller struct {
	kind     string
	prefixes []string
	secret   func(context.Context) (string, error)
	header   func(secret string) http.Header
}

func newCaller(kind string, secret func(context.Context) (string, error), named []string, header func(string) http.Header) (upstream.Credentials, error) {
	if secret == nil {
		return nil, errors.New("there is no function to ask for the secret")
	}
	parsed, err := parsePrefixes(named)
	if err != nil {
		return nil, err
	}
	return &caller{kind, parsed, secret, header}, nil
}

func (c *caller) Header(ctx context.Context, u *url.URL) (http.Header, error) {
	for prefix := range prefixes(u) {
		if slices.Contains(c.prefixes, prefix) {
			return c.call(ctx)
		}
	}
	return nil, nil
}

func (c *caller) call(ctx context.Context) (http.Header, error) {
	secret, err := c.secret(ctx)
	if err != nil {
		return nil, err
	}
	if secret = strings.TrimSpace(secret); secret == "" {
		return nil, nil
	}
	return c.header(secret), nil
}

// Refresh asks again: the token may have run out on its way.
func (c *caller) Refresh(ctx context.Context, u *url.URL, _ http.Header, _ *http.Response) (http.Header, error) {
	return c.Header(ctx, u)
}

// Format prints a description for every verb; see [list.Format].
func (c *caller) Format(s fmt.State, _ rune) {
	fmt.Fprintf(s, "auth(%s for %s)", c.kind, strings.Join(c.prefixes, ", "))
}
