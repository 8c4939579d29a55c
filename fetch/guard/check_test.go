package guard_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/fetch/guard"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
)

var (
	errNo      = errors.New("no")
	errHidden  = &upstream.Error{Class: upstream.NotFound}
	errDown    = &upstream.Error{Class: upstream.Unavailable}
	errBasic   = &fetch.UnauthorizedError{Challenge: `Basic realm="m"`}
	errBearer  = &fetch.UnauthorizedError{Challenge: `Bearer realm="m"`, Err: errors.New("the token is old")}
	errUnasked = &fetch.UnauthorizedError{}
)

// always returns a check with one answer.
func always(err error) guard.Check {
	return func(*http.Request, upstream.Request) error { return err }
}

// request parses the path of a request.
func request(t *testing.T, path string) upstream.Request {
	t.Helper()
	req, err := upstream.ParsePath(path)
	if err != nil {
		t.Fatal(err)
	}
	return req
}

// outcome says what an error means to the handler.
func outcome(err error) string {
	if err == nil {
		return "allowed"
	}
	if e, ok := errors.AsType[*upstream.Error](err); ok {
		return e.Class.String()
	}
	if e, ok := errors.AsType[*fetch.UnauthorizedError](err); ok {
		return "who? " + e.Challenge + ": " + e.Error()
	}
	return "denied: " + err.Error()
}

// sayWho is what somebody is told who has said nothing.
var sayWho = (&fetch.UnauthorizedError{}).Error()

const (
	noRule    = "denied: the proxy has no rule by which this is allowed"
	isMissing = "denied: a rule of the proxy is missing: tell who runs it"
)

func TestAllOfAndAnyOf(t *testing.T) {
	tests := []struct {
		name     string
		answers  []error
		all, any string
	}{
		{"nothing", nil, noRule, noRule},
		{"yes", []error{nil}, "allowed", "allowed"},
		{"no", []error{errNo}, "denied: no", "denied: no"},
		{"yes, no", []error{nil, errNo}, "denied: no", "allowed"},
		{"no, yes", []error{errNo, nil}, "denied: no", "allowed"},
		{"no, hidden", []error{errNo, errHidden}, "denied: no", "denied: no"},
		{"hidden, no", []error{errHidden, errNo}, "not found", "not found"},
		{"no, down", []error{errNo, errDown}, "denied: no", "unavailable"},
		{"who, down", []error{errBasic, errDown}, `who? Basic realm="m": ` + sayWho, "unavailable"},
		{"down, yes", []error{errDown, nil}, "unavailable", "allowed"},
		{"no, who", []error{errNo, errBasic}, "denied: no", `who? Basic realm="m": ` + sayWho},
		{"who, who", []error{errBasic, errBearer}, `who? Basic realm="m": ` + sayWho, `who? Basic realm="m", Bearer realm="m": the token is old`},
		{"who, who, in the other order", []error{errBearer, errBasic}, `who? Bearer realm="m": the token is old`, `who? Bearer realm="m", Basic realm="m": the token is old`},
		{"no challenge", []error{errUnasked}, "who? : " + sayWho, "who? : " + sayWho},
	}
	req := request(t, "/example.com/hello/@v/list")
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var checks []guard.Check
			for _, err := range tt.answers {
				checks = append(checks, always(err))
			}
			r := httptest.NewRequest("GET", "/", nil)
			got := []string{outcome(guard.AllOf(checks...)(r, req)), outcome(guard.AnyOf(checks...)(r, req))}
			if diff := cmp.Diff([]string{tt.all, tt.any}, got); diff != "" {
				t.Errorf("AllOf, AnyOf (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAMissingCheckOpensNothing(t *testing.T) {
	req := request(t, "/example.com/hello/@v/list")
	r := httptest.NewRequest("GET", "/", nil)
	var none guard.Check
	for name, check := range map[string]guard.Check{
		"AllOf":  guard.AllOf(always(nil), none),
		"AnyOf":  guard.AnyOf(none),
		"Only":   guard.Only("example.com", none),
		"Hidden": guard.AllOf(guard.Only("example.com", none)),
	} {
		if got := outcome(check(r, req)); got != isMissing {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestOnly(t *testing.T) {
	tests := []struct{ patterns, path, want string }{
		{"corp.example", "/corp.example/tool/@v/list", "denied: no"},
		{"corp.example", "/corp.example/tool/@v/v1.0.0.zip", "denied: no"},
		{"corp.example", "/corp.example/tool/@latest", "denied: no"},
		{"corp.example/tool", "/corp.example/tool/sub/@v/list", "denied: no"},
		{"corp.example/x,corp.example/Tool", "/corp.example/!tool/@v/list", "denied: no"}, // as a go.mod spells it

		// The same repository by other names.
		{"corp.example/Tool", "/corp.example/tool/@v/list", "denied: no"},
		{"corp.example/tool", "/corp.example/!t!o!o!l/sub/@v/list", "denied: no"},
		{"corp.example/Tool", "/corp.example/!tool.git/@v/list", "denied: no"},
		{"corp.example/Tool", "/corp.example/tool.git/sub/@v/list", "denied: no"},
		{"corp.example/tool", "/sumdb/sum.golang.org/lookup/corp.example/!tool.git@v1.0.0", "denied: no"},

		{"corp.example/tool", "/corp.example/toolbox/@v/list", "allowed"},
		{"corp.example/tool", "/corp.example/other/@v/list", "allowed"},
		{"corp.example/tool", "/example.com/corp.example/tool/@v/list", "allowed"},
		{"*.corp.example,other.example", "/git.corp.example/tool/@v/list", "denied: no"},
		{"*.corp.example,other.example", "/other.example/tool/@v/list", "denied: no"},
		{"corp.example", "/sumdb/sum.golang.org/lookup/corp.example/tool@v1.0.0", "denied: no"},
		{"corp.example", "/sumdb/sum.golang.org/lookup/example.com/tool@v1.0.0", "allowed"},
		{"*", "/sumdb/sum.golang.org/tile/8/0/001", "allowed"},
		{"*", "/sumdb/sum.golang.org/latest", "allowed"},
		{"*", "/sumdb/sum.golang.org/supported", "allowed"},

		// Patterns that guard nothing let nothing through.
		{"", "/example.com/hello/@v/list", "denied: the list of module path patterns is empty: * matches every module"},
		{",", "/example.com/hello/@v/list", "denied: the list of module path patterns is empty: * matches every module"},
		{"corp.example/[", "/example.com/hello/@v/list", `denied: module path pattern "corp.example/[": syntax error in pattern`},
		{"a.example, corp.example", "/example.com/hello/@v/list", `denied: module path pattern " corp.example" holds a space: separate patterns by commas alone`},
		{"a.example,https://corp.example", "/example.com/hello/@v/list", `denied: module path pattern "https://corp.example" holds a colon or an @: a pattern is a path without scheme, port, user or version`},
		{"", "/sumdb/sum.golang.org/tile/8/0/001", "allowed"},
		{"corp.example/[", "/sumdb/sum.golang.org/latest", "allowed"},
	}
	for _, tt := range tests {
		got := outcome(guard.Only(tt.patterns, always(errNo))(httptest.NewRequest("GET", "/", nil), request(t, tt.path)))
		if got != tt.want {
			t.Errorf("%q of %s: %s, want %s", tt.patterns, tt.path, got, tt.want)
		}
	}
}

func TestHidden(t *testing.T) {
	req := request(t, "/corp.example/tool/@v/list")
	for _, tt := range []struct {
		answer error
		want   string
		told   bool
	}{
		{nil, "allowed", false},
		{errNo, "not found", true},
		{&upstream.Error{Class: upstream.Denied, Request: req, Err: errNo}, "not found", true},
		{errBasic, "not found", true},
		{errDown, "unavailable", false},
		{&upstream.Error{Class: upstream.Timeout}, "timeout", false},
	} {
		var told error
		check := guard.Hidden(always(tt.answer), func(_ *http.Request, of upstream.Request, err error) {
			if of == req {
				told = err
			}
		})
		err := check(httptest.NewRequest("GET", "/", nil), req)
		if got := outcome(err); got != tt.want || (told != nil) != tt.told || tt.told && told != tt.answer {
			t.Errorf("%v: %s, told %v; want %s", tt.answer, got, told, tt.want)
		}
		if tt.told && err.Error() != "corp.example/tool (list): not found" {
			t.Errorf("it tells something: %v", err)
		}
	}
	wrong := httptest.NewRequest("GET", "/", nil)
	wrong.SetBasicAuth("ann", "expired")
	if err := guard.Hidden(always(errBasic), nil)(wrong, req); outcome(err) != outcome(errBasic) {
		t.Errorf("with wrong credentials: %v", err)
	}
	if err := guard.Hidden(always(errNo), nil)(wrong, req); outcome(err) != "not found" {
		t.Errorf("for one who may not have it: %v", err)
	}
	if err := guard.Hidden(always(errNo), nil)(httptest.NewRequest("GET", "/", nil), req); outcome(err) != "not found" {
		t.Errorf("with nobody to tell: %v", err)
	}
}
