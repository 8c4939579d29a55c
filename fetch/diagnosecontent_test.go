package fetch_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/breakwater-go/breakwater/breaker"
	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/fetch/internal/origin"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/verify"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/module"
)

// What the source sends is compared with what the checksum database says, and the
// database is diagnosed where a Client would ask it.
func TestDiagnoseDatabase(t *testing.T) {
	onMod := func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, ".mod") {
			return false
		}
		_, _ = w.Write([]byte("module example.com/hello\n\nrequire evil.example/x v1.0.0\n"))
		return true
	}
	on := func(suffix string, fault func(http.ResponseWriter, *http.Request) bool) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, r *http.Request) bool {
			return strings.HasSuffix(r.URL.Path, suffix) && fault(w, r)
		}
	}
	another := newOrigin(t) // has a database of the same name, with another key
	tests := []struct {
		name             string
		fault            func(http.ResponseWriter, *http.Request) bool
		key              string // empty: the database's
		source, database []string
		text             string
	}{
		{"all in order", nil, "", nil, nil, "speaks for it"},
		{"wrong file", onMod, "", []string{"problem: wrong hash"}, nil, "not the genuine one"},
		{"database fails", on("/latest", origin.Status(503)), "", nil, []string{"problem: server error"}, "status 503"},
		{"database denies", on("/latest", origin.Status(403)), "", nil, []string{"problem: authentication"}, "status 403"},
		{"a page in place of the database", on("/latest", page), "", nil, []string{"problem: wrong content"}, "in place of the tree head"},
		{"database is not there", on("/latest", origin.Status(404)), "", nil, []string{"problem: wrong content"}, "has no tree head"},
		{"not known whether it is", on("/supported", origin.Status(500)), "", nil, []string{"problem: other"}, "could not be found out"},
		{"wrong key", nil, another.VerifierKey, nil, []string{"problem: wrong hash"}, "does not vouch for"},
		{"no record", on("example.com/hello@v1.1.0", origin.Status(404)), "", []string{"warning: wrong hash"}, nil, "nobody vouches"},
		{"look-ups fail", on("example.com/hello@v1.1.0", origin.Status(500)), "", nil, nil, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			o := newOrigin(t)
			opts := diagnoseOptions(serve(t, o))
			opts.Go.GOSUMDB = o.VerifierKey
			if test.key != "" {
				opts.Go.GOSUMDB = test.key
			}
			o.Fail(test.fault)
			d := diagnose(t, opts)
			if len(d.Sources) != 2 || !d.Sources[1].Database || d.Sources[1].Source != origin.DatabaseName {
				t.Fatalf("no database in %v", d)
			}
			got := [][]string{diagnosed(d.Sources[0].Findings), diagnosed(d.Sources[1].Findings)}
			if diff := cmp.Diff([][]string{test.source, test.database}, got); diff != "" || !strings.Contains(d.String(), test.text) {
				t.Errorf("%q is not in it, or findings (-want +got):\n%s\n%v", test.text, diff, d)
			}
		})
	}
}

// A database with a URL is asked itself, and of what is exempt it is not asked.
func TestDiagnoseDatabaseItself(t *testing.T) {
	o := newOrigin(t)
	database := serve(t, http.StripPrefix("/db", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.URL.Path = "/sumdb/" + origin.DatabaseName + r.URL.Path
		o.ServeHTTP(w, r)
	})))
	opts := diagnoseOptions(serve(t, newOrigin(t)))
	opts.Go.GOSUMDB = o.VerifierKey + " " + database + "/db"
	d := diagnose(t, opts)
	if s := d.Sources[1]; !d.OK() || s.Address == "" || !strings.Contains(s.Note, "gives its URL") {
		t.Error(d)
	}
	o.Asked()
	opts.Go.GONOSUMDB = "*"
	if d := diagnose(t, opts); !d.OK() || len(o.Asked()) > 0 {
		t.Error(d)
	}
}

// vouchesForNothing is a Verifier of the embedder's.
type vouchesForNothing struct{}

func (vouchesForNothing) Expect(context.Context, module.Version, upstream.Kind) (verify.Sums, error) {
	return verify.Sums{Mod: []string{"h1:none"}, By: "the auditors"}, nil
}

func (vouchesForNothing) Check(m module.Version, k upstream.Kind, _ io.ReaderAt, _ int64, want verify.Sums) error {
	return &verify.MismatchError{Module: m, Kind: k, Got: "h1:some", Want: want.Mod, By: want.By}
}

func TestDiagnoseVerifier(t *testing.T) {
	opts := diagnoseOptions(serve(t, newOrigin(t)))
	opts.Verifier = vouchesForNothing{}
	wantFinding(t, diagnose(t, opts), "problem: wrong hash", "the auditors says [h1:none]")
}

// A list without a version is suspicious, but not that of a module that nobody has; who
// chose the module may have to choose another one.
func TestDiagnoseEmptyList(t *testing.T) {
	empty := serve(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	private := diagnoseOptions("off")
	private.Private = []upstream.Route{{Patterns: "corp.example", Upstream: newHTTP(t, empty, nil)}}
	chosen, byDefault := diagnoseOptions(empty), diagnoseOptions(empty)
	byDefault.Probe = nil
	for _, test := range []struct {
		name          string
		opts          fetch.Options
		want          []string
		chooseAnother bool
	}{
		{"chosen", chosen, []string{"warning: wrong content"}, true},
		{"default", byDefault, []string{"warning: wrong content"}, false},
		{"made up", private, nil, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := diagnose(t, test.opts)
			var found []fetch.Finding
			for _, s := range d.Sources {
				found = append(found, s.Findings...)
			}
			if diff := cmp.Diff(test.want, diagnosed(found)); diff != "" || !d.OK() {
				t.Errorf("findings (-want +got):\n%s\n%v", diff, d)
			}
			if got := strings.Contains(d.String(), "Options.Probe.Module"); got != test.chooseAnother {
				t.Errorf("another module is advised: %v, want %v", got, test.chooseAnother)
			}
		})
	}
}

// A source that lacks the module that public ones have may be the wrong path.
func TestDiagnoseWrongPath(t *testing.T) {
	opts := diagnoseOptions(serve(t, newOrigin(t)) + "/wrong")
	opts.Probe = nil
	d := diagnose(t, opts)
	wantFinding(t, d, "warning: wrong content", "does not have "+breaker.DefaultProbeModule)
	if !d.OK() {
		t.Error("it may be a source of other modules, which is in order")
	}
}

// Whom the database would be asked through is not claimed where it is not known.
func TestDiagnoseUnknownSupport(t *testing.T) {
	o := newOrigin(t)
	o.Fail(func(w http.ResponseWriter, r *http.Request) bool {
		return strings.HasSuffix(r.URL.Path, "/supported") && origin.Status(500)(w, r)
	})
	opts := diagnoseOptions(serve(t, o))
	opts.Go.GOSUMDB = o.VerifierKey
	if d := diagnose(t, opts); d.Sources[1].Note != "" {
		t.Errorf("note: %q", d.Sources[1].Note)
	}
}
