package guard

import (
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
)

// An Authenticator finds out who the caller is, and returns a name only for what
// the request proves. Its error is a [*fetch.UnauthorizedError] if the request
// proves nothing, an [*upstream.Error] of class Unavailable if it cannot be found
// out for now; any other means that the caller is refused. Its text is shown to
// the caller and must hold no credential. It may be called by many goroutines at
// once, and more than once for a request.
type Authenticator func(r *http.Request) (name string, err error)

var errNobody = errors.New("the proxy has no way to find out who you are: tell who runs it")

func (a Authenticator) ask(r *http.Request) (string, error) {
	if a == nil {
		return "", errNobody
	}
	return a(r)
}

// Check is a [Check] that lets through whoever a knows. It is the method value
// that is used: Authorize: users.Check.
func (a Authenticator) Check(r *http.Request, _ upstream.Request) error {
	_, err := a.ask(r)
	return err
}

// Caller names the caller for the audit log: by what a found to be proved, else
// by the address that the request came from. What the request merely claims is
// not in it. It is meant for the Caller of [fetch.HandlerOptions].
func (a Authenticator) Caller(r *http.Request) string {
	if name, err := a.ask(r); err == nil && name != "" {
		return name
	}
	if addr, ok := RemoteAddr(r); ok {
		return addr.String()
	}
	return r.RemoteAddr
}

// Users returns a Check that lets through the callers with these names.
// Together with [Only] it says who may have which modules.
func (a Authenticator) Users(names ...string) Check {
	names = slices.Clone(names)
	return func(r *http.Request, _ upstream.Request) error {
		name, err := a.ask(r)
		if err != nil {
			return err
		}
		if !slices.Contains(names, name) {
			return fmt.Errorf("%q may not have this: ask who runs the proxy", name)
		}
		return nil
	}
}

// FirstOf returns an Authenticator that takes the name from the first one that
// knows the caller, for a server that takes passwords and tokens, say. If none
// does, its error is as that of [AnyOf].
func FirstOf(authenticators ...Authenticator) Authenticator {
	return func(r *http.Request) (string, error) {
		var refused refusals
		for _, a := range authenticators {
			name, err := a.ask(r)
			if err == nil {
				return name, nil
			}
			refused = append(refused, err)
		}
		if len(refused) == 0 {
			return "", errNobody
		}
		return "", refused.most()
	}
}

// authorization returns the one Authorization header of r. It is not ok
// if there is none, or more than one, of which nobody could say which is meant.
func authorization(r *http.Request) (header string, ok bool) {
	values := r.Header.Values("Authorization")
	if len(values) != 1 {
		return "", false
	}
	return values[0], true
}

// challenge returns the error that asks for credentials of a scheme.
func challenge(scheme, realm string, err error) *fetch.UnauthorizedError {
	return &fetch.UnauthorizedError{Challenge: scheme + " realm=" + quoted(realm), Err: err}
}

// quoted makes a quoted-string (RFC 9110, section 5.6.4) of printable ASCII.
func quoted(s string) string {
	b := []byte{'"'}
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case ' ' <= r && r <= '~':
			b = append(b, byte(r))
		default:
			b = append(b, '?')
		}
	}
	return string(append(b, '"'))
}
