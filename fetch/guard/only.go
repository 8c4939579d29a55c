package guard

import (
	"errors"
	"net/http"

	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
)

// Only returns a Check that asks check about the modules that match patterns,
// and lets everybody have all others. Patterns are as in GOPRIVATE, a
// comma-separated list of glob patterns of module path prefixes, but they guard
// a repository by its other names, too ([upstream.MatchRestricted]): a module is
// one of theirs in whatever case, and with an ending such as .git. The checksum
// database's look-up of a module is the module's own; what names no module (the
// database's tiles and tree head) is let through, for it tells no path.
//
// If patterns do not satisfy [upstream.CheckRestricted], because there are none or
// one can never match, nobody knows what they were meant to guard: whatever names
// a module is refused, with what is wrong. Call CheckRestricted where the patterns
// are read, to find that out at once.
func Only(patterns string, check Check) Check {
	broken := upstream.CheckRestricted(patterns)
	return func(r *http.Request, req upstream.Request) error {
		path := req.Module()
		switch {
		case path == "":
			return nil
		case broken != nil:
			return broken
		case upstream.MatchRestricted(patterns, path):
			return check.ask(r, req)
		}
		return nil
	}
}

// Hidden returns a Check that answers "not found" where check refuses, also
// where check asks who the caller is. A caller does not learn so which modules
// there are that he may not have, and the go command goes on to other paths that
// may hold a package. It finds its netrc file and GOAUTH without being asked.
//
// Credentials that are wrong, as those that have expired, are told so all the same,
// which tells nothing of any module: for after "not found" the go command asks the
// next entry in its GOPROXY for the private path. Clients of a proxy that hides
// should have no entry behind it.
//
// What is hidden is alike whether it exists or not, because check is asked
// before anything is fetched. It does differ from what a source says of a module
// that the caller may ask for, so hide a whole namespace, with [Only], not
// single modules in it.
//
// The handler's audit log has it as denied. If told is not
// nil, it is called with the refusal, before the answer is sent.
func Hidden(check Check, told func(*http.Request, upstream.Request, error)) Check {
	return func(r *http.Request, req upstream.Request) error {
		err := check.ask(r, req)
		if err == nil || !isRefusal(err) {
			return err
		}
		if _, asked := errors.AsType[*fetch.UnauthorizedError](err); asked && r.Header.Get("Authorization") != "" {
			return err
		}
		if told != nil {
			told(r, req, err)
		}
		return &upstream.Error{Class: upstream.NotFound, Request: req}
	}
}
