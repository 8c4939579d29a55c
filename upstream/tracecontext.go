package upstream

import (
	"context"
	"net/http"
	"strings"
)

type traceKey struct{}

// traceContext is what of a trace goes with a call; each is well-formed or empty.
type traceContext struct{ parent, state string }

// WithTraceContext returns a context that carries the caller's place in a trace, as
// the values of the header fields traceparent and tracestate (W3C Trace Context,
// https://www.w3.org/TR/trace-context/).
//
// An HTTP source sends them with each request of the call, other than to another host,
// port or scheme that a redirect leads to, and from there on: as credentials, they are
// for the source that was named, and whom it sends us to need not learn which calls
// belong together. Other sources do nothing with them.
//
// What is malformed is left out. A parent must be version-traceid-parentid-flags, in
// lower-case hexadecimal, of 2, 32, 16 and 2 digits, the version not ff and neither ID
// zero; it may not have more than that, whatever its version. Without one there is no
// state either. A state must be a list of at most 32 members of the form key=value,
// in at most 512 bytes of printable ASCII. Two empty strings take the place of what ctx
// carried, so that a call is of no trace.
func WithTraceContext(ctx context.Context, parent, state string) context.Context {
	if !isTraceParent(parent) {
		parent, state = "", ""
	}
	if !isTraceState(state) {
		state = ""
	}
	return context.WithValue(ctx, traceKey{}, traceContext{parent, state})
}

// TraceContext returns what [WithTraceContext] put into ctx, which is well-formed, or
// "" for what it left out.
func TraceContext(ctx context.Context) (parent, state string) {
	t, _ := ctx.Value(traceKey{}).(traceContext)
	return t.parent, t.state
}

func sendTraceContext(ctx context.Context, h http.Header) {
	parent, state := TraceContext(ctx)
	if parent != "" {
		h.Set("Traceparent", parent)
	}
	if state != "" {
		h.Set("Tracestate", state)
	}
}

func dropTraceContext(h http.Header) {
	h.Del("Traceparent")
	h.Del("Tracestate")
}

func isTraceParent(s string) bool {
	fields := strings.Split(s, "-")
	if len(fields) != 4 {
		return false
	}
	for i, digits := range [...]int{2, 32, 16, 2} {
		if len(fields[i]) != digits || strings.Trim(fields[i], "0123456789abcdef") != "" {
			return false
		}
	}
	return fields[0] != "ff" && strings.Trim(fields[1], "0") != "" && strings.Trim(fields[2], "0") != ""
}

const (
	maxTraceState   = 512 // bytes, which is what everybody passes on
	maxTraceMembers = 32
	maxTraceMember  = 256 // bytes of a key, and of a value
)

// isTraceState reports whether s is empty or a list of members (section 3.3.1).
func isTraceState(s string) bool {
	if len(s) > maxTraceState || strings.ContainsFunc(s, isNotPrintable) {
		return false
	}
	members := 0
	for member := range strings.SplitSeq(s, ",") {
		member = strings.Trim(member, " ")
		if member == "" {
			continue // may be there, and counts for nothing
		}
		key, value, ok := strings.Cut(member, "=")
		if !ok || !isTraceKey(key) || value == "" || len(value) > maxTraceMember || strings.Contains(value, "=") {
			return false
		}
		members++
	}
	return members <= maxTraceMembers
}

// isTraceKey reports whether s is a key, which begins with a letter or a digit.
func isTraceKey(s string) bool {
	const first = "abcdefghijklmnopqrstuvwxyz0123456789"
	return s != "" && len(s) <= maxTraceMember && strings.Contains(first, s[:1]) && strings.Trim(s, first+"_-*/@") == ""
}

func isNotPrintable(r rune) bool { return r < ' ' || r > '~' }
