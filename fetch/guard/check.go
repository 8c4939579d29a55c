package guard

import (
	"errors"
	"net/http"
	"strings"

	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
)

// A Check decides whether the caller may have what is asked for: nil means yes.
// It is what [fetch.HandlerOptions] takes as Authorize, and its errors are those
// that are told of there. It may be called by many goroutines at once, and is
// called for every request, so what takes long is to be remembered. A nil Check
// that is put together with others refuses everything.
type Check func(r *http.Request, req upstream.Request) error

var (
	errNoCheck  = errors.New("the proxy has no rule by which this is allowed")
	errNilCheck = errors.New("a rule of the proxy is missing: tell who runs it")
)

func (c Check) ask(r *http.Request, req upstream.Request) error {
	if c == nil {
		return errNilCheck
	}
	return c(r, req)
}

// AllOf returns a Check that every one of checks has to pass. The first error is
// the answer, so what is cheap goes first. No checks at all refuse everything: a
// list that was left empty by mistake opens nothing.
func AllOf(checks ...Check) Check {
	return func(r *http.Request, req upstream.Request) error {
		if len(checks) == 0 {
			return errNoCheck
		}
		for _, check := range checks {
			if err := check.ask(r, req); err != nil {
				return err
			}
		}
		return nil
	}
}

// AnyOf returns a Check that passes what one of checks passes. They are asked in
// turn, until one does. If none does, the answer is that of a check that could
// not find out, such as one whose server is down; else 401 with the challenges of
// all, so that the caller may try again and say who he is; else the first error.
// No checks at all refuse everything.
func AnyOf(checks ...Check) Check {
	return func(r *http.Request, req upstream.Request) error {
		var refused refusals
		for _, check := range checks {
			err := check.ask(r, req)
			if err == nil {
				return nil
			}
			refused = append(refused, err)
		}
		return refused.most()
	}
}

// refusals are the errors of checks of which one had to pass.
type refusals []error

// most returns the error that helps most.
func (errs refusals) most() error {
	if len(errs) == 0 {
		return errNoCheck
	}
	for _, err := range errs {
		if !isRefusal(err) {
			return err
		}
	}
	if err := errs.unauthorized(); err != nil {
		return err
	}
	return errs[0]
}

// unauthorized returns one error with the challenges of all, or nil if there
// are none. The text is that of the last, for it is about what was sent where the
// others say that they got nothing.
func (errs refusals) unauthorized() error {
	var all *fetch.UnauthorizedError
	var challenges []string
	for _, err := range errs {
		e, ok := errors.AsType[*fetch.UnauthorizedError](err)
		if !ok || e == nil {
			continue
		}
		if e.Challenge != "" {
			challenges = append(challenges, e.Challenge)
		}
		if all == nil || e.Err != nil {
			all = e
		}
	}
	if all == nil {
		return nil
	}
	return &fetch.UnauthorizedError{Challenge: strings.Join(challenges, ", "), Err: all.Err}
}

// isRefusal reports whether err says no, rather than that nobody knows.
func isRefusal(err error) bool {
	e, ok := errors.AsType[*upstream.Error](err)
	if !ok {
		return true // what the handler takes for a denial
	}
	return e != nil && (e.Class == upstream.Denied || e.Class == upstream.NotFound)
}
