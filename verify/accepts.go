package verify

import (
	"github.com/breakwater-go/breakwater/upstream"
	"golang.org/x/mod/module"
)

// An Accepter is a Verifier that says which earlier verifications are as good as
// its own, so that stored content need not be verified again.
type Accepter interface {
	Verifier

	// Accepts reports whether m's stored file of kind k, which was marked as
	// verified in that way ([Sums.Mark]), will do.
	Accepts(m module.Version, k upstream.Kind, verified string) bool
}

// Accepts reports whether v takes m's file of kind k that is marked as verified
// in that way. A Verifier that is no [Accepter] takes what a Verifier of its
// sort or a checksum database vouched for.
func Accepts(v Verifier, m module.Version, k upstream.Kind, verified string) bool {
	if a, ok := v.(Accepter); ok {
		return a.Accepts(m, k, verified)
	}
	return verified == ByVerifier || verified == ByDatabase
}

// Accepts reports whether content was verified by a checksum database.
func (s *SumDB) Accepts(_ module.Version, _ upstream.Kind, verified string) bool {
	return verified == ByDatabase
}
