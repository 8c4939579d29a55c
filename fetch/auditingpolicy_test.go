package fetch_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/fetch/audit"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
)

// What a policy decides is told, whatever becomes of the request.
func TestAuditOfDecisionsThatEndInErrors(t *testing.T) {
	rules := []fetch.Rule{
		{Patterns: "example.com/denied", Reason: "withdrawn"},
		{Patterns: "example.com/ok", Allow: true, Reason: "reviewed"},
	}
	const old = "/@v/v0.0.0-19990101000000-abcdefabcdef."
	const unknown = "cooldown, it is not known when v1.0.0 was published: scripted: unavailable (status 503)"
	tests := []struct {
		path, want string
		dry        string // in a dry run
	}{
		{"/example.com/down/@v/v1.0.0.mod", "mod 502 denied: " + unknown, "mod 502 would deny: " + unknown},
		{"/example.com/down/@v/v1.0.0.zip", "zip 502 denied: " + unknown, "zip 502 would deny: " + unknown},
		{"/example.com/denied/@v/v1.0.0.mod", "mod 403 denied: rule, withdrawn", "mod 404 would deny: rule, withdrawn"},
		{"/example.com/denied/@v/list", "list 403 denied: rule, withdrawn", "list 404 would deny: rule, withdrawn"},
		{"/example.com/ok" + old + "mod", "mod 404 allowed: rule, reviewed", ""},
		{"/example.com/ok" + old + "zip", "zip 404 allowed: rule, reviewed", ""},
		{"/example.com/ok/@v/v1.0.0.mod", "mod 404 allowed: rule, reviewed", ""},
		{"/example.com/ok/@v/v1.0.0.info", "info 404 allowed: rule, reviewed", ""},
		{"/example.com/ok/@v/list", "list 404 allowed: rule, reviewed", ""},
		{"/example.com/ok/@latest", "latest 404 allowed: rule, reviewed", ""},
		{"/example.com/m" + old + "mod", "mod 404 allowed: cooldown, ", ""},
		{"/example.com/m/@v/v1.0.0.mod", "", ""},
		{"/example.com/m/@v/list", "", ""},
		{"/example.com/down/@v/list", "", ""},
		{"/example.com/secret" + old + "mod", "mod 403 denied: , scripted: denied (status 403): not yours", ""},
	}
	source := &scripted{answer: func(_ context.Context, req upstream.Request) (string, error) {
		switch req.Module() {
		case "example.com/down":
			return "", outage(req)
		case "example.com/secret":
			return "", &upstream.Error{Class: upstream.Denied, Request: req, Source: "scripted", Status: 403, Text: "not yours"}
		}
		return "", absent(req)
	}}
	for _, dry := range []bool{false, true} {
		policed, decisions := police(t, fetch.Policy{Rules: rules, Cooldown: day, DryRun: dry}, source)
		for _, tt := range tests {
			var l ledger
			w := answerTo(fetch.NewHandler(policed, &fetch.HandlerOptions{Audit: l.tell}), "GET", tt.path)
			want := tt.want
			if dry && tt.dry != "" {
				want = tt.dry
			}
			got := ""
			for _, r := range l.records {
				got += fmt.Sprintf("%s %d %s: %s, %s", r.Kind, r.Status, r.Decision, r.Rule, r.Reason)
				if r.Status != w.Code {
					t.Errorf("%s: the record says %d, the answer %d", tt.path, r.Status, w.Code)
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s, dry run %v (-want +got):\n%s", tt.path, dry, diff)
			}
			if len(decisions()) > len(l.records) {
				t.Errorf("%s, dry run %v: a decision without a record", tt.path, dry)
			}
		}
	}
}

// Who goes away before a policy knows has been denied nothing.
func TestAuditOfCallerWhoWentAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := &scripted{answer: func(ctx context.Context, req upstream.Request) (string, error) {
			<-ctx.Done()
			return "", upstream.ContextError(ctx, req, "")
		}}
		policed, _ := police(t, fetch.Policy{Cooldown: day}, source)
		var l ledger
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/example.com/m/@v/v1.0.0.mod", nil)
		fetch.NewHandler(policed, &fetch.HandlerOptions{Audit: l.tell}).ServeHTTP(httptest.NewRecorder(), r)
		if len(l.records) > 0 {
			t.Errorf("records %+v", l.records)
		}
	})
}

// A Client asks its sources for many callers at once, and in the background: what
// a policy around a source says to that is no caller's, until it is his error.
func TestAuditOfPolicyBeneathAClient(t *testing.T) {
	for _, around := range []bool{false, true} { // a policy around the Client
		for _, dry := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				source := &scripted{answer: func(context.Context, upstream.Request) (string, error) { return "v1.0.0\n", nil }}
				inner, decisions := police(t, fetch.Policy{DryRun: dry, Rules: []fetch.Rule{{Patterns: "*", Reason: "withdrawn"}}}, source)
				c := newClient(t, fetch.Options{Upstream: inner, TTL: time.Nanosecond, RevalidateWithin: time.Hour})
				var f fetch.Fetcher = c
				if around {
					f, _ = police(t, fetch.Policy{MaxZipSize: 1}, c)
				}
				var l ledger
				h := fetch.NewHandler(f, &fetch.HandlerOptions{Audit: l.tell})
				for range 3 {
					time.Sleep(time.Minute)
					var callers sync.WaitGroup
					for range 8 {
						callers.Go(func() { answerTo(h, "GET", "/example.com/hello/@v/list") })
					}
					callers.Wait()
				}
				synctest.Wait()
				if len(decisions()) == 0 {
					t.Error("the policy was never asked")
				}
				want := 3 * 8
				if dry {
					want = 0
				}
				if len(l.records) != want {
					t.Errorf("dry run %v: %d records, want %d", dry, len(l.records), want)
				}
				for _, r := range l.records {
					if r.Decision != audit.Denied || r.Reason != "withdrawn" {
						t.Errorf("record %+v", r)
					}
				}
			})
		}
	}
}

// Through a wrapper of the embedder's, a note may reach a goroutine that outlives
// the request: what is said there, here while the answer is being written, is
// nobody's.
func TestAuditHearsNothingTooLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		policed, decisions := police(t, fetch.Policy{DryRun: true, Rules: []fetch.Rule{{Patterns: "*", Reason: "withdrawn"}}}, newCheckedShelf())
		wrapper := upstream.Func(func(ctx context.Context, req upstream.Request) (*upstream.Response, error) {
			time.AfterFunc(time.Second, func() {
				if resp, err := policed.Fetch(ctx, req); err == nil {
					resp.Body.Close()
				}
			})
			return &upstream.Response{Body: io.NopCloser(slow{}), Source: "slow"}, nil
		})
		var l ledger
		answerTo(fetch.NewHandler(wrapper, &fetch.HandlerOptions{Audit: l.tell}), "GET", "/"+checkedPath+"/@v/list")
		if len(decisions()) != 1 || len(l.records) != 0 {
			t.Errorf("records %+v", l.records)
		}
	})
}

// slow is an empty body that takes a minute to read.
type slow struct{}

func (slow) Read([]byte) (int, error) {
	time.Sleep(time.Minute)
	return 0, io.EOF
}
