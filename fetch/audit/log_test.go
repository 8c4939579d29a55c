package audit_test

import (
	"bytes"
	"context"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/breakwater-go/breakwater/fetch/audit"
	"github.com/google/go-cmp/cmp"
)

var noon = time.Date(2026, 3, 4, 12, 0, 0, 123456789, time.UTC)

// full is a record without an empty field.
func full() audit.Record {
	return audit.Record{
		Time: noon, Caller: "CN=build-7,O=Example", Module: "example.com/hello", Version: "v1.0.0", Kind: "zip",
		Status: 206, Decision: audit.Allowed, Rule: "rule", Reason: "ours", Source: "disk", Origin: "https://proxy.example",
		Verified: "sum.example.com", SHA256: strings.Repeat("0a", 32), Size: 1000, Sent: 10,
	}
}

// logOf returns what a logger with a JSON handler writes of records.
func logOf(records ...audit.Record) string {
	var out bytes.Buffer
	tell := audit.Log(slog.New(slog.NewJSONHandler(&out, nil)))
	for _, r := range records {
		tell(context.Background(), r)
	}
	return out.String()
}

// The names are a promise to whoever searches the log.
func TestLogAttributes(t *testing.T) {
	denied := audit.Record{Time: noon, Module: "example.com/hello", Kind: "list", Status: 403, Decision: audit.Denied, Reason: `"no"`}
	dry := audit.Record{Time: noon, Kind: "mod", Decision: audit.WouldDeny}
	const date = `{"time":"2026-03-04T12:00:00.123456789Z",`
	want := date + `"level":"INFO","msg":"download","audit":{"decision":"allowed","caller":"CN=build-7,O=Example",` +
		`"module":"example.com/hello","version":"v1.0.0","kind":"zip","status":206,"rule":"rule","reason":"ours",` +
		`"source":"disk","origin":"https://proxy.example","verified":"sum.example.com",` +
		`"sha256":"` + strings.Repeat("0a", 32) + `","size":1000,"sent":10}}` + "\n" +
		date + `"level":"WARN","msg":"denied","audit":{"decision":"denied","module":"example.com/hello","kind":"list",` +
		`"status":403,"reason":"\"no\""}}` + "\n" +
		date + `"level":"WARN","msg":"download","audit":{"decision":"would deny","kind":"mod"}}` + "\n"
	if diff := cmp.Diff(want, logOf(full(), denied, dry)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestFullRecordIsFull(t *testing.T) {
	for i, v := 0, reflect.ValueOf(full()); i < v.NumField(); i++ {
		if v.Field(i).IsZero() {
			t.Errorf("%s is empty, so no test sees it", v.Type().Field(i).Name)
		}
	}
}

func TestLogObeysTheLevel(t *testing.T) {
	var out bytes.Buffer
	tell := audit.Log(slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: slog.LevelWarn})))
	tell(t.Context(), audit.Record{Decision: audit.Allowed})
	if out.Len() > 0 {
		t.Errorf("wrote %s", out.String())
	}
	tell(t.Context(), audit.Record{Decision: audit.Denied})
	if out.Len() == 0 {
		t.Error("a denial is missing")
	}
}

func TestLogToTheDefaultLogger(t *testing.T) {
	tell := audit.Log(nil)
	var out bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&out, nil)))
	defer slog.SetDefault(before)
	tell(t.Context(), audit.Record{Decision: audit.Allowed, Caller: "192.0.2.1"})
	if !strings.HasSuffix(out.String(), "msg=download audit.decision=allowed audit.caller=192.0.2.1\n") {
		t.Errorf("wrote %s", out.String())
	}
}

// A caller may call himself anything.
func TestLogOfStrangersText(t *testing.T) {
	hostile := []string{
		"a\nb", "a\r\x1b[2Jb", "\u202etxt.exe", "a\u2028b", "a\x00b", "\xff\xfe", strings.Repeat("x", 1<<20),
		strings.Repeat("\xff", 1<<20), strings.Repeat("\xff", 2000), strings.Repeat("\u00e9", 5000), strings.Repeat(`"\`, 5000),
	}
	for _, text := range hostile {
		for name, r := range map[string]audit.Record{
			"caller": {Caller: text}, "module": {Module: text}, "version": {Version: text}, "rule": {Rule: text},
			"reason": {Reason: text}, "source": {Source: text}, "origin": {Origin: text}, "verified": {Verified: text},
		} {
			r.Decision = audit.Denied
			var got audit.Record
			for one, err := range audit.Read(strings.NewReader(logOf(r))) {
				if err != nil {
					t.Fatal(err)
				}
				got = one
			}
			all := got.Caller + got.Module + got.Version + got.Rule + got.Reason + got.Source + got.Origin + got.Verified
			if all == "" || len(all) > 2048 {
				t.Errorf("%s %.20q: %d bytes, want 1 to 2048", name, text, len(all))
			}
			if i := strings.IndexFunc(all, func(r rune) bool { return !unicode.IsPrint(r) }); i >= 0 {
				t.Errorf("%s %.20q: got %.50q", name, text, all[i:])
			}
			if strings.HasPrefix(text, all) && text != all {
				t.Errorf("%s %.20q was cut without a sign", name, text)
			}
		}
	}
}

// What may be as long as a request's path is not cut.
func TestLogKeepsLongModulePaths(t *testing.T) {
	r := audit.Record{Decision: audit.Allowed, Module: strings.Repeat("m", 2048)}
	if !strings.Contains(logOf(r), `"`+r.Module+`"`) {
		t.Error("it was cut")
	}
}
