package fetch

import (
	"errors"
	"strings"
	"unicode"

	"github.com/breakwater-go/breakwater/upstream"
)

// A ruling is what a part of the policy says of a module or version. The zero
// ruling says nothing, which allows.
type ruling struct {
	rule   string // the part
	denied bool
	reason string
	class  upstream.Class // of the error, if it is denied
	cause  error          // what the reason comes from; nil: the policy itself
}

// deny returns a denial that is final.
func deny(rule, reason string) ruling {
	return ruling{rule: rule, denied: true, reason: tidy(reason), class: upstream.Denied}
}

// cannotKnow returns a denial for want of knowledge, of the class of err. But it
// is never absence, since the request's own answer might say otherwise: that
// there is nothing to know is final, unless somebody who might know it failed.
func cannotKnow(rule, what string, err error) ruling {
	e := upstream.AsError(err, upstream.Request{}, "")
	r := deny(rule, what+": "+e.Reason())
	r.cause = e
	switch {
	case e.Class != upstream.NotFound:
		r.class = e.Class
	case !e.Conclusive():
		r.class = upstream.Unavailable
	}
	return r
}

// or returns r, unless it says nothing.
func (r ruling) or(other ruling) ruling {
	if r.rule == "" {
		return other
	}
	return r
}

// error returns what the caller is told of a denial.
func (r ruling) error(d Decision) error {
	e := &upstream.Error{Class: r.class, Request: d.Request}
	if cause, ok := errors.AsType[*upstream.Error](r.cause); ok && e.Class == cause.Class {
		e.RetryAfter = cause.RetryAfter
	}
	e.Err = &PolicyError{Decision: d, Err: r.cause}
	if e.Unwrap() == nil { // the cause contradicts the class, and would hide the PolicyError
		e.Err = &PolicyError{Decision: d}
	}
	return e
}

// maxReason is how long a reason may be in bytes: the go command shows few and
// short lines, and a module path comes before it.
const maxReason = 240

// tidy makes one short line of what strangers may have written.
func tidy(s string) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, s)
	return shorten(strings.Join(strings.Fields(s), " "), maxReason)
}
