package fetch

import (
	"encoding/json"
	"fmt"
	"slices"
)

// Problem is what kind of thing is wrong.
type Problem uint8

const (
	ProblemOther        Problem = iota // the finding's Err says more
	ProblemDNS                         // a host name has no address, or nobody says which
	ProblemRefused                     // nothing listens there
	ProblemUnreachable                 // no connection could be made
	ProblemReset                       // a connection broke off
	ProblemTLS                         // no encrypted connection, other than for the certificate
	ProblemExpired                     // a certificate is past its time, or before it
	ProblemUnknownCA                   // nobody who is trusted vouches for a certificate
	ProblemWrongHost                   // a certificate is for other names
	ProblemPlainHTTP                   // the server does not speak TLS where it should
	ProblemProxy                       // a forward proxy fails, or refuses
	ProblemProxyAuth                   // a forward proxy asks who we are (407)
	ProblemAuth                        // the source wants credentials, or other ones
	ProblemSlow                        // an answer takes long
	ProblemNoAnswer                    // a bound on time was met
	ProblemRateLimited                 // the source asks to be left alone for a while
	ProblemServerError                 // the source answers with a failure of its own
	ProblemWrongContent                // something else than what was asked for
	ProblemWrongHash                   // a file is not the one that the checksum is of
	ProblemRedirected                  // the source leads elsewhere, and that is the matter
	ProblemClock                       // a clock is wrong
	ProblemDirectory                   // a directory cannot be read
	ProblemCommand                     // a command is missing
	ProblemSettings                    // the settings do not fit together
	ProblemLocal                       // this machine is at its end, or the call was
)

var problemNames = [...]string{
	"other", "DNS", "refused", "unreachable", "reset", "TLS", "certificate expired", "unknown authority", "wrong host",
	"plain http", "proxy", "proxy authentication", "authentication", "slow", "no answer", "rate limited", "server error",
	"wrong content", "wrong hash", "redirected", "clock", "directory", "command", "settings", "local",
}

// String returns the problem in a word or two.
func (p Problem) String() string {
	if int(p) < len(problemNames) {
		return problemNames[p]
	}
	return fmt.Sprintf("Problem(%d)", p)
}

// MarshalText returns what String does.
func (p Problem) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// Severity says whether a finding keeps the source from being of use.
type Severity uint8

const (
	SeverityProblem Severity = iota // the source, or its part, is of no use like this
	SeverityWarning                 // it works, but not as it should, or not for long
)

// String returns "problem" or "warning".
func (s Severity) String() string { return [...]string{"problem", "warning"}[min(s, SeverityWarning)] }

// MarshalText returns what String does.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// MarshalJSON gives the cause as text.
func (f Finding) MarshalJSON() ([]byte, error) {
	type plain Finding
	shown := struct {
		plain
		Err string `json:"error,omitempty"`
	}{plain: plain(f)}
	if f.Err != nil {
		shown.Err = f.Err.Error()
	}
	return json.Marshal(shown)
}

// sound reports whether nothing is wrong but what is a warning.
func sound(all []Finding) bool {
	return !slices.ContainsFunc(all, func(f Finding) bool { return f.Severity == SeverityProblem })
}
