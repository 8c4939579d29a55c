package audit_test

import (
	"bytes"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/breakwater-go/breakwater/fetch/audit"
	"github.com/google/go-cmp/cmp"
)

// LogJSON writes what Log does with a JSON handler, byte for byte.
func TestLogJSONIsLog(t *testing.T) {
	tests := map[string]audit.Record{
		"full":         full(),
		"empty":        {},
		"another zone": {Time: noon.In(time.FixedZone("", -5400)), Decision: audit.WouldDeny},
		"on the clock": {Time: time.Now(), Decision: audit.Denied},
		"negative":     {Time: noon, Status: -1, Size: -1 << 63, Sent: 1<<63 - 1},
	}
	for _, text := range []string{
		`"`, `\`, `a"b\c`, "a\nb", "a\r\x1b[2Jb", "\u202etxt.exe", "a\u2028b", "a\x00b", "\xff\xfe", "\u00e9\u4e16\ufffd", "<&>\x7f'", " ",
		strings.Repeat("x", 2048), strings.Repeat("x", 2049), strings.Repeat("\u00e9", 5000), strings.Repeat(`"\`, 5000),
	} {
		tests[text] = audit.Record{Time: noon, Decision: text, Caller: text, Module: "m", Rule: text, Reason: text, SHA256: text}
	}
	for name, r := range tests {
		var out bytes.Buffer
		audit.LogJSON(&out)(t.Context(), r)
		if diff := cmp.Diff(logOf(r), out.String()); diff != "" {
			t.Errorf("%.20q (-Log +LogJSON):\n%s", name, diff)
		}
	}
}

func TestLogJSONOfManyAtOnce(t *testing.T) {
	var out bytes.Buffer
	tell := audit.LogJSON(&out)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for range 100 {
				tell(t.Context(), audit.Record{Time: noon, Decision: audit.Allowed, Module: strings.Repeat("m", 1+100*i)})
			}
		})
	}
	all.Wait()
	found := 0
	for r, err := range audit.Read(&out) {
		if err != nil || len(r.Module)%100 != 1 {
			t.Errorf("%d: %v", len(r.Module), err)
		}
		found++
	}
	if found != 800 {
		t.Errorf("%d records, want 800", found)
	}
}
