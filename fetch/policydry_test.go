package fetch_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"

	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/fetch/audit"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/module"
)

// strict denies something in every way that a policy can.
var strict = fetch.Policy{
	Rules: []fetch.Rule{
		{Patterns: "example.com/banned", Reason: "banned"},
		{Patterns: "example.com/m", Versions: "v1.0.1", Reason: "broken"},
	},
	Cooldown:   7 * day,
	MaxZipSize: 13,
	Check: func(_ context.Context, m module.Version, _ io.ReaderAt, _ int64) error {
		if m.Version == "v1.0.0" {
			return errors.New("AGPL")
		}
		return nil
	},
}

const tooYoung = "v1.1.0 is too young: published 1999-12-31 00:00 UTC, allowed from 2000-01-07 00:00 UTC"

// strictTests are what strict says, over the shelf of newStrictShelf.
var strictTests = []struct{ key, decision, reason string }{
	{"example.com/banned/@v/list", "denied by rule: ", "banned"},
	{"example.com/banned/@v/v1.0.0.mod", "denied by rule: ", "banned"},
	{"example.com/m/@v/list", "allowed by cooldown: ", "left out 2 of 4 versions: v1.1.0, v1.0.1"},
	{"example.com/m/@latest", "allowed by cooldown: ", "v1.0.22 is offered: " + tooYoung},
	{"example.com/m/@v/main.info", "denied by cooldown: ", "main stands for v1.1.0: " + tooYoung},
	{"example.com/m/@v/v1.0.1.mod", "denied by rule: ", "broken"},
	{"example.com/m/@v/v1.1.0.mod", "denied by cooldown: ", tooYoung},
	{"example.com/m/@v/v1.0.0.zip", "denied by check: ", "AGPL"},
	{"example.com/m/@v/v1.0.22.zip", "denied by size: ", "the zip has 14 bytes, at most 13 are allowed"},
	{"example.com/m/@v/v1.0.0.mod", "allowed by cooldown:", ""},
	{"example.com/none/@v/list", "", ""},
	{"example.com/m/@v/v1.9.9.mod", "", ""},
}

func newStrictShelf() *shelf {
	s := &shelf{}
	s.add("example.com/banned", "v1.0.0", 9*day)
	s.add("example.com/m", "v1.0.0", 9*day)
	s.add("example.com/m", "v1.0.1", 9*day)
	s.add("example.com/m", "v1.0.22", 9*day)
	s.add("example.com/m", "v1.1.0", day)
	s.files["example.com/m/@v/main.info"] = s.files["example.com/m/@v/v1.1.0.info"]
	return s
}

func TestDryRunAnswersAsWithoutAPolicy(t *testing.T) {
	for _, dry := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			s := newStrictShelf()
			p := strict
			p.DryRun = dry
			policed, decisions := police(t, p, s)
			for _, tt := range strictTests {
				plain := askPoliced(t, t.Context(), s, tt.key)
				got := askPoliced(t, t.Context(), policed, tt.key)
				if changed := tt.reason != ""; (got == plain) == changed && !dry {
					t.Errorf("%s: got %q, without the policy it is %q", tt.key, got, plain)
				}
				if got != plain && dry {
					t.Errorf("%s in a dry run: got %q, want %q", tt.key, got, plain)
				}
				if diff := cmp.Diff(spelled(tt.key, tt.decision, tt.reason, dry), decisions()); diff != "" {
					t.Errorf("%s: decisions (-want +got):\n%s", tt.key, diff)
				}
			}
			s.checkClosed(t)
		})
	}
}

func spelled(key, decision, reason string, dry bool) []string {
	if decision == "" {
		return nil
	}
	word, rest := decision[:len("denied")], decision[len("denied"):]
	if word == "allowe" {
		word, rest = "allowed", rest[1:]
	}
	if dry {
		word += " (dry run)"
	}
	return []string{key + " " + word + rest + reason}
}

// In a dry run a failure of the policy's own is no failure of the request's.
func TestDryRunInAnOutage(t *testing.T) {
	s := newCheckedShelf()
	s.before = func(_ context.Context, req upstream.Request) error {
		if req.Kind() == upstream.Info {
			return outage(req)
		}
		return nil
	}
	policed, _ := police(t, fetch.Policy{Cooldown: day, DryRun: true}, s)
	for _, key := range []string{checkedZip, checkedPath + "/@v/list"} {
		if got := askPoliced(t, t.Context(), policed, key); got != s.files[key] {
			t.Errorf("%s: got %q", key, got)
		}
	}
	s.checkClosed(t)
}

// What is decided is in the handler's audit log; of policies around one another,
// that which denies.
func TestPolicyInTheAuditLog(t *testing.T) {
	for _, dry := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			p := strict
			p.DryRun = dry
			inner, _ := police(t, p, newStrictShelf())
			outer, _ := police(t, fetch.Policy{MaxZipSize: 1000}, inner)
			var records []audit.Record
			h := fetch.NewHandler(outer, &fetch.HandlerOptions{Audit: func(_ context.Context, r audit.Record) { records = append(records, r) }})
			status, decision := http.StatusForbidden, audit.Denied
			if dry {
				status, decision = http.StatusOK, audit.WouldDeny
			}
			tests := []struct{ path, decision, rule, reason string }{
				{"/example.com/banned/@v/list", decision, "rule", "banned"},
				{"/example.com/m/@v/v1.1.0.mod", decision, "cooldown", tooYoung},
				{"/example.com/m/@v/v1.0.0.zip", decision, "check", "AGPL"},
				{"/example.com/m/@v/v1.0.22.zip", decision, "size", "the zip has 14 bytes, at most 13 are allowed"},
				{"/example.com/m/@v/v1.0.0.mod", audit.Allowed, "cooldown", ""},
			}
			for _, tt := range tests {
				records = nil
				w := httptest.NewRecorder()
				h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, tt.path, nil))
				if len(records) != 1 {
					t.Errorf("%s: %d records", tt.path, len(records))
					continue
				}
				want := []any{tt.decision, tt.rule, tt.reason}
				got := []any{records[0].Decision, records[0].Rule, records[0].Reason}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s (-want +got):\n%s", tt.path, diff)
				}
				if tt.decision != audit.Allowed && w.Code != status {
					t.Errorf("%s: status %d, want %d", tt.path, w.Code, status)
				}
			}
		})
	}
}

// What an outer policy asks on its own account is not what the caller asked for.
func TestPolicyNotesNothingOfItsOwnRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner, _ := police(t, fetch.Policy{DryRun: true, Rules: []fetch.Rule{{Patterns: "*", Versions: "v1.1.0", Reason: "broken"}}}, newStrictShelf())
		outer, _ := police(t, fetch.Policy{Cooldown: 7 * day}, inner)
		var records []audit.Record
		h := fetch.NewHandler(outer, &fetch.HandlerOptions{Audit: func(_ context.Context, r audit.Record) { records = append(records, r) }})
		for _, path := range []string{"/example.com/m/@v/list", "/example.com/m/@latest"} {
			h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, path, nil))
		}
		for _, r := range records {
			if r.Decision != audit.Allowed {
				t.Errorf("%s of %s: %s: %s", r.Kind, r.Module, r.Decision, r.Reason)
			}
		}
	})
}
