package upstream_test

import (
	"strings"
	"testing"

	"github.com/breakwater-go/breakwater/upstream"
)

// The trace of the specification's own examples.
const (
	traceParent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	traceState  = "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE"
)

// A context carries what is well-formed, and nothing else.
func TestTraceContext(t *testing.T) {
	const traceID, parentID = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
	members := func(n int) string { return strings.TrimSuffix(strings.Repeat("k=v,", n), ",") }
	tests := []struct {
		name, parent, state   string
		wantParent, wantState bool
	}{
		{"parent and state", traceParent, traceState, true, true},
		{"parent alone", traceParent, "", true, true},
		{"not sampled", "00-" + traceID + "-" + parentID + "-00", "", true, true},
		{"a later version", "cc-" + traceID + "-" + parentID + "-01", traceState, true, true},
		{"almost zero", "00-" + strings.Repeat("0", 31) + "1-" + strings.Repeat("0", 15) + "1-01", "", true, true},

		{"nothing", "", "", true, true},
		{"state alone", "", traceState, true, false},
		{"version ff", "ff-" + traceID + "-" + parentID + "-01", traceState, false, false},
		{"upper case", strings.ToUpper(traceParent), "", false, true},
		{"no hexadecimal", strings.Replace(traceParent, "a", "g", 1), "", false, true},
		{"no version", traceID + "-" + parentID + "-01", "", false, true},
		{"no flags", "00-" + traceID + "-" + parentID, "", false, true},
		{"one more field", traceParent + "-00", "", false, true},
		{"a later version with more", "cc-" + traceID + "-" + parentID + "-01-what", "", false, true},
		{"zero trace", "00-" + strings.Repeat("0", 32) + "-" + parentID + "-01", "", false, true},
		{"zero parent", "00-" + traceID + "-" + strings.Repeat("0", 16) + "-01", "", false, true},
		{"short trace", "00-" + traceID[1:] + "-" + parentID + "-01", "", false, true},
		{"long parent", "00-" + traceID + "-" + parentID + "0-01", "", false, true},
		{"long version", "000-" + traceID + "-" + parentID + "-01", "", false, true},
		{"a space before", " " + traceParent, "", false, true},
		{"a line break", traceParent + "\r\nX: y", "", false, true},

		{"as large as may be", traceParent, "a=" + strings.Repeat("x", 252) + ",b=" + strings.Repeat("x", 255), true, true},
		{"more than 512 bytes", traceParent, "a=" + strings.Repeat("x", 255) + ",b=" + strings.Repeat("x", 253), true, false},
		{"32 members", traceParent, members(32), true, true},
		{"33 members", traceParent, members(33), true, false},
		{"empty members", traceParent, "a=1,, b=2 ,", true, true},
		{"a tenant", traceParent, "0tenant@system_-*/=it is", true, true},
		{"largest value", traceParent, "a=" + strings.Repeat("x", 256), true, true},
		{"value too large", traceParent, "a=" + strings.Repeat("x", 257), true, false},
		{"largest key", traceParent, strings.Repeat("k", 256) + "=v", true, true},
		{"key too large", traceParent, strings.Repeat("k", 257) + "=v", true, false},
		{"no key", traceParent, "=v", true, false},
		{"no value", traceParent, "k=", true, false},
		{"no member", traceParent, "k", true, false},
		{"two signs", traceParent, "k=v=w", true, false},
		{"upper-case key", traceParent, "Key=v", true, false},
		{"upper case in a key", traceParent, "kEy=v", true, false},
		{"key begins with a sign", traceParent, "@k=v", true, false},
		{"a tab", traceParent, "a=1,\tb=2", true, false},
		{"a line break in state", traceParent, "a=1\r\nX: y", true, false},
		{"not ASCII", traceParent, "a=é", true, false},
		{"delete", traceParent, "a=\x7f", true, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var wantParent, wantState string
			if test.wantParent {
				wantParent = test.parent
			}
			if test.wantState {
				wantState = test.state
			}
			outer := upstream.WithTraceContext(t.Context(), traceParent, traceState) // which is no more
			parent, state := upstream.TraceContext(upstream.WithTraceContext(outer, test.parent, test.state))
			if parent != wantParent || state != wantState {
				t.Errorf("carries %q and %q, want %q and %q", parent, state, wantParent, wantState)
			}
		})
	}
}

func TestNoTraceContext(t *testing.T) {
	if parent, state := upstream.TraceContext(t.Context()); parent != "" || state != "" {
		t.Errorf("a plain context carries %q and %q", parent, state)
	}
}
