package guard

import (
	"context"
	"errors"
	"net/http"
	"strings"
)

var (
	errWrongToken  = errors.New("the token is not valid here: check what GOAUTH names")
	errSharedToken = errors.New("the token is that of more than one name: tell who runs the proxy")
)

// Bearer returns an Authenticator for tokens (RFC 6750), given as a map from the
// caller's name to his token, which a GOAUTH command can send. The map is copied,
// and only digests are kept. A token is compared with all of them in constant
// time. An empty token lets nobody in, and neither does one that two names have:
// it does not prove which of them the caller is. A token is readable by whoever
// sees the connection: use https.
func Bearer(realm string, tokens map[string]string) Authenticator {
	type holder struct {
		name  string
		token digest
	}
	hash := newHasher()
	var holders []holder
	for name, token := range tokens {
		holders = append(holders, holder{name, hash.digest(token)})
	}
	return BearerFunc(realm, func(_ context.Context, token string) (string, error) {
		got, name, found := hash.digest(token), "", 0
		for _, h := range holders {
			if equal(got, h.token) == 1 {
				name = h.name // and on to the last
				found++
			}
		}
		switch found {
		case 0:
			return "", errWrongToken
		case 1:
			return name, nil
		}
		return "", errSharedToken
	})
}

// BearerFunc returns an Authenticator for tokens of which verify knows whose they
// are, such as the ID tokens of an OpenID provider (examples/oidc shows that). It
// is not called for an empty token. Its error is shown to the caller, as status
// 401, unless it is an [*upstream.Error], which says by its class what is the
// matter: Unavailable where the provider cannot be asked.
func BearerFunc(realm string, verify func(ctx context.Context, token string) (name string, err error)) Authenticator {
	return func(r *http.Request) (string, error) {
		token, ok := bearerToken(r)
		if !ok {
			return "", challenge("Bearer", realm, nil)
		}
		name, err := verify(r.Context(), token)
		if err != nil {
			return "", refusal("Bearer", realm, err)
		}
		return name, nil
	}
}

func bearerToken(r *http.Request) (string, bool) {
	header, ok := authorization(r)
	if !ok {
		return "", false
	}
	scheme, token, _ := strings.Cut(header, " ")
	token = strings.TrimSpace(token)
	return token, strings.EqualFold(scheme, "Bearer") && token != ""
}
