package fetch

import (
	"errors"

	"github.com/breakwater-go/breakwater/upstream"
)

// A PolicyError is why a [Policy] denied a request. It is the cause of an
// [*upstream.Error], whose text the go command shows. That is of class Denied,
// unless the policy could not know what it had to: then it has the class of what
// kept the policy from knowing, such as Unavailable in an outage, for the answer
// may be another one later.
type PolicyError struct {
	Decision Decision // what was decided, and why
	Err      error    // what a callback or a source said; nil if that is not worth unwrapping
}

// Error returns the reason.
func (e *PolicyError) Error() string { return "denied by policy: " + e.Decision.Reason }

// Unwrap returns Err.
func (e *PolicyError) Unwrap() error { return e.Err }

func asPolicyError(e *upstream.Error) (*PolicyError, bool) {
	return errors.AsType[*PolicyError](e.Err)
}
