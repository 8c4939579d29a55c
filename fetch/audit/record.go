package audit

import "time"

// A Record says who got what, from where, how it was verified, or why it was
// denied. It holds no credential. Fields are empty where there is nothing to say.
type Record struct {
	Time     time.Time // when it was answered
	Caller   string    // who asked, as the handler's Caller says
	Module   string    // module path; empty for what a checksum database is asked without naming one
	Version  string    // canonical version or version query
	Kind     string    // "info", "mod", "zip", ... (upstream.Kind)
	Status   int       // of the answer, as in HTTP: 200 the file, 206 part of it, 304 the caller has it
	Decision string    // Allowed, Denied or WouldDeny
	Rule     string    // what decided: the part of the policy, "authorize", "via"; empty where nothing of ours had to
	Reason   string    // of a denial; of what is allowed, what the policy says of it
	Source   string    // who answered: a source's name, "memory", "disk"
	Origin   string    // the source that the bytes came from
	Verified string    // how they were verified; empty if they were not
	SHA256   string    // of the whole file, in hexadecimal
	Size     int64     // of the whole file, in bytes

	// Sent counts the bytes of the answer's body that the connection took. Of a
	// 200 that broke off they are fewer than Size; they may be as many and yet
	// not have arrived. A denial has none.
	Sent int64
}

// Values of Decision.
const (
	Allowed   = "allowed"
	Denied    = "denied"
	WouldDeny = "would deny" // answered as if it were allowed: the policy is in a dry run
)
