package upstream

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// ErrStaleThere is the [Response].Stale of an answer of which its source says that it
// is an old one: so do a Breakwater whose own sources are away, and other caches that
// write Cache-Status (RFC 9211).
var ErrStaleThere = errors.New("an old answer at the source, too")

// markStale notes in answer that its source calls it stale, and since when the source
// has had it. The time is that of Age (RFC 9111, section 5.1), without which nothing
// can be said.
func markStale(answer *Response, header http.Header) {
	statuses := header["Cache-Status"]
	if len(statuses) == 0 || !isStale(statuses) {
		return
	}
	age, err := strconv.ParseUint(header.Get("Age"), 10, 31)
	if err != nil {
		return
	}
	answer.Stale, answer.Fetched = ErrStaleThere, time.Now().Add(-time.Duration(age)*time.Second)
}

// isStale reports whether a cache on the way gives a lifetime that is over: the
// parameter ttl is negative then (RFC 9211, section 2.4).
func isStale(statuses []string) bool {
	for _, status := range statuses {
		for param := range strings.FieldsFuncSeq(unquoted(status), func(r rune) bool { return r == ';' || r == ',' }) {
			ttl, ok := strings.CutPrefix(strings.TrimSpace(param), "ttl=")
			if n, err := strconv.ParseInt(ttl, 10, 64); ok && err == nil && n < 0 {
				return true
			}
		}
	}
	return false
}

// unquoted returns a structured field without its strings (RFC 9651, section 3.3.3), in
// which anything may stand.
func unquoted(field string) string {
	var b strings.Builder
	inside, escaped := false, false
	for _, r := range field {
		switch {
		case escaped:
			escaped = false
		case inside && r == '\\':
			escaped = true
		case r == '"':
			inside = !inside
		case !inside:
			b.WriteRune(r)
		}
	}
	return b.String()
}
