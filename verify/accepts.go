package verify

// An Accepter is a Verifier that says which earlier verifications are as good as
// its own, so that stored content need not be verified again.
type Accepter interface {
	Verifier

	// Accepts reports whether content that was marked as verified in that way
	// ([ByDatabase], [ByGoSum]) will do.
	Accepts(verified string) bool
}

// Accepts reports whether v takes content that is marked as verified in that
// way. A Verifier that is no [Accepter] takes what a checksum database or a
// go.sum file vouched for.
func Accepts(v Verifier, verified string) bool {
	if a, ok := v.(Accepter); ok {
		return a.Accepts(verified)
	}
	return verified == ByDatabase || verified == ByGoSum
}

// Accepts reports whether content was verified by a checksum database.
func (s *SumDB) Accepts(verified string) bool { return verified == ByDatabase }
