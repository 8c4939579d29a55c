package guard

import (
	"context"
	"errors"
	"net/http"

	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
)

var errWrongPassword = errors.New("the user or the password is wrong: check the netrc file or what GOAUTH names")

// Basic returns an Authenticator for user names and passwords (RFC 7617), which
// is what the go command sends from a netrc file. The map is copied, and only
// digests are kept. A user with an empty password, or one whose name holds a
// colon, cannot be let in. An unknown user takes as long to refuse as a wrong
// password, and gets the same answer.
//
// Passwords are compared as they are, for which long random ones are fit.
// [BasicFunc] has them checked by something else, such as bcrypt or a directory.
// Basic credentials are readable by whoever sees the connection: use https.
func Basic(realm string, passwords map[string]string) Authenticator {
	hash := newHasher()
	known := make(map[digest]digest, len(passwords))
	for user, password := range passwords {
		known[hash.digest(user)] = hash.digest(password)
	}
	return BasicFunc(realm, func(_ context.Context, user, password string) (string, error) {
		// For an unknown user that is the zero digest, which no password has.
		want := known[hash.digest(user)]
		if equal(want, hash.digest(password)) == 0 {
			return "", errWrongPassword
		}
		return user, nil
	})
}

// BasicFunc returns an Authenticator for user names and passwords of which verify
// knows whose they are. The name need not be the user: where the password is a
// token, it is whom the token names. verify is not called for an empty user or
// password. Its error is shown to the caller, as status 401, unless it is an
// [*upstream.Error], which says by its class what is the matter: Unavailable
// where the directory cannot be asked. verify has to take care itself that the
// time it takes tells nothing.
func BasicFunc(realm string, verify func(ctx context.Context, user, password string) (name string, err error)) Authenticator {
	return func(r *http.Request) (string, error) {
		if _, ok := authorization(r); !ok {
			return "", challenge("Basic", realm, nil)
		}
		user, password, ok := r.BasicAuth()
		if !ok {
			return "", challenge("Basic", realm, nil)
		}
		if user == "" || password == "" {
			return "", challenge("Basic", realm, errWrongPassword)
		}
		name, err := verify(r.Context(), user, password)
		if err != nil {
			return "", refusal("Basic", realm, err)
		}
		return name, nil
	}
}

// refusal makes 401 of an error that does not say itself what it is.
func refusal(scheme, realm string, err error) error {
	if _, ok := errors.AsType[*upstream.Error](err); ok {
		return err
	}
	if _, ok := errors.AsType[*fetch.UnauthorizedError](err); ok {
		return err
	}
	return challenge(scheme, realm, err)
}
