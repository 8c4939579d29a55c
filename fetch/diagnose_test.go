package fetch_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	stdlog "log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/breakwater-go/breakwater/breaker"
	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/upstream/gocmd"
	"github.com/google/go-cmp/cmp"
)

// diagnosed is the outcome of a diagnosis for a source, or of all: what kind of
// thing is wrong, and how bad it is.
func diagnosed(all []fetch.Finding) []string {
	var found []string
	for _, f := range all {
		found = append(found, f.Severity.String()+": "+f.Problem.String())
	}
	return found
}

// diagnoseOptions are the options for sources that have the test modules.
func diagnoseOptions(goproxy string) fetch.Options {
	opts := proxyOptions(goproxy)
	opts.Go.GOSUMDB = "off"
	opts.Go.GOAUTH = "off"
	opts.Probe = &breaker.ProbeOptions{Module: "example.com/hello"}
	opts.Direct = &gocmd.Options{Resolve: nowhere}
	opts.Logger = slog.New(slog.DiscardHandler)
	return opts
}

// diagnose returns what is wrong, having checked that it prints and marshals.
func diagnose(t *testing.T, opts fetch.Options) *fetch.Diagnosis {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	d, err := fetch.Diagnose(ctx, &opts)
	if err != nil {
		t.Fatal(err)
	}
	checkForms(t, d)
	return d
}

// checkForms checks that all that is found is in both forms of the diagnosis.
func checkForms(t *testing.T, d *fetch.Diagnosis) {
	t.Helper()
	data, err := json.Marshal(d)
	if err != nil || !json.Valid(data) {
		t.Errorf("marshalling: %v", err)
	}
	all := d.Findings
	for _, s := range d.Sources {
		all = append(all, s.Findings...)
	}
	for _, f := range all {
		if !strings.Contains(d.String(), f.Text) || !strings.Contains(d.String(), f.Advice) || f.Text == "" || f.Advice == "" {
			t.Errorf("%+v is not all in the text, or has none:\n%s", f, d)
		}
		if f.Err != nil && !strings.Contains(string(data), `"error":"`) {
			t.Errorf("the cause of %+v is not in %s", f, data)
		}
		t.Logf("%v: %s\n\t%s", f.Problem, f.Text, f.Advice)
	}
}

// A source that answers as it should is in order, and the steps to it are known.
func TestDiagnoseWorking(t *testing.T) {
	o := newOrigin(t)
	d := diagnose(t, diagnoseOptions(serve(t, o)+",off"))
	s := d.Sources[0]
	if !d.OK() || s.Status != 200 || s.Address == "" || s.Asked != "example.com/hello" || s.Steps.Connect == 0 || s.Steps.FirstByte == 0 {
		t.Errorf("got %v", d)
	}
	if diff := cmp.Diff([]string{"example.com/hello/@v/list", "example.com/hello/@v/v1.1.0.mod"}, o.Asked()); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

// Each way in which an http source can fail is told apart.
func TestDiagnoseAnswers(t *testing.T) {
	status := func(code int, header ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			for i := 0; i < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}
			w.WriteHeader(code)
		}
	}
	o := newOrigin(t)
	login := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { page(w, r) }))
	denied := serve(t, status(401))
	faulty := func(fault func(http.ResponseWriter, *http.Request) bool) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if !fault(w, r) {
				o.ServeHTTP(w, r)
			}
		}
	}
	tests := []struct {
		name    string
		handler http.HandlerFunc
		want    string // the only finding; empty: none
		text    string // part of its text
	}{
		{"not there", status(404), "", ""},
		{"not there, with a page", status(404, "Content-Type", "text/html; charset=utf-8"), "warning: wrong content", "may be no module proxy"},
		{"no credentials", status(401), "problem: authentication", "none were found for it"},
		{"forbidden", status(403), "problem: authentication", "status 403"},
		{"rate limit", status(429, "Retry-After", "90"), "problem: rate limited", "1m30s"},
		{"maintenance", status(503, "Retry-After", "60"), "problem: rate limited", "1m0s"},
		{"out", status(503), "problem: server error", "status 503"},
		{"broken", status(500), "problem: server error", "status 500"},
		{"odd", status(400), "problem: server error", "status 400"},
		{"nothing at all", status(200), "warning: wrong content", "lists no version of example.com/hello"},
		{"asks as a proxy does", status(407), "problem: proxy authentication", "407"},
		{"reset", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "problem: reset", "broke the connection off"},
		{"cut off", faulty(breakOff), "problem: reset", "broke the connection off"},
		{"login page", faulty(page), "problem: wrong content", "a web page in place of the list of example.com/hello"},
		{"something else", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "{}") }, "problem: wrong content", "something else"},
		{"redirect to a login page", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, login, http.StatusFound) }, "problem: redirected", "where http"},
		{"redirect to who denies", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, denied, http.StatusFound) }, "problem: authentication", "a redirect leads"},
		{"redirect in a circle", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path, http.StatusFound) }, "problem: redirected", "not followed"},
		{"no file", faulty(func(w http.ResponseWriter, r *http.Request) bool {
			if strings.HasSuffix(r.URL.Path, ".mod") {
				w.WriteHeader(404)
			}
			return strings.HasSuffix(r.URL.Path, ".mod")
		}), "warning: wrong content", "no go.mod file"},
		{"file of another module", faulty(func(w http.ResponseWriter, r *http.Request) bool {
			if strings.HasSuffix(r.URL.Path, ".mod") {
				io.WriteString(w, "module example.com/other\n")
			}
			return strings.HasSuffix(r.URL.Path, ".mod")
		}), "warning: wrong content", "that of example.com/other"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			server := httptest.NewUnstartedServer(test.handler)
			server.Config.ErrorLog = stdlog.New(io.Discard, "", 0)
			server.Start()
			t.Cleanup(server.Close)
			d := diagnose(t, diagnoseOptions(server.URL))
			wantFinding(t, d, test.want, test.text)
		})
	}
}

// wantFinding checks that the first source has one finding, or none.
func wantFinding(t *testing.T, d *fetch.Diagnosis, want, text string) {
	t.Helper()
	var all []string
	if want != "" {
		all = []string{want}
	}
	s := d.Sources[0]
	if diff := cmp.Diff(all, diagnosed(s.Findings)); diff != "" {
		t.Fatalf("findings (-want +got):\n%s\n%v", diff, d)
	}
	if s.OK != !strings.HasPrefix(want, "problem") || want != "" && !strings.Contains(s.Findings[0].Text, text) {
		t.Errorf("OK is %v; %q is not in:\n%v", s.OK, text, d)
	}
}

// What is said of redirects is where the last one led, also if the last request was not
// redirected; those that stay at a server are no matter.
func TestDiagnoseRedirected(t *testing.T) {
	o := serve(t, newOrigin(t))
	to := func(server string) string {
		return serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, server+r.URL.Path, http.StatusFound)
		}))
	}
	within := newOrigin(t)
	within.Fail(func(w http.ResponseWriter, r *http.Request) bool {
		if strings.HasPrefix(r.URL.Path, "/moved/") {
			r.URL.Path = strings.TrimPrefix(r.URL.Path, "/moved")
			return false
		}
		http.Redirect(w, r, "/moved"+r.URL.Path, http.StatusFound)
		return true
	})
	listElsewhere := newOrigin(t)
	listElsewhere.Fail(func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, "/list") {
			return false
		}
		http.Redirect(w, r, o+r.URL.Path, http.StatusFound)
		return true
	})
	for _, test := range []struct{ name, source, want string }{
		{"none", o, ""},
		{"one", to(o), o},
		{"two", to(to(o)), o},
		{"the list alone", serve(t, listElsewhere), o},
		{"at the same server", serve(t, within), ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := diagnose(t, diagnoseOptions(test.source))
			wantFinding(t, d, "", "")
			if diff := cmp.Diff(test.want, d.Sources[0].Redirected); diff != "" {
				t.Errorf("redirected (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDiagnoseNobodyListens(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	d := diagnose(t, diagnoseOptions("http://"+l.Addr().String()))
	wantFinding(t, d, "problem: refused", l.Addr().String())
}

func TestDiagnoseUnknownHost(t *testing.T) {
	opts := diagnoseOptions("https://proxy.invalid")
	dial := (&net.Dialer{Resolver: &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}
	}}}).DialContext
	opts.HTTP = &upstream.HTTPOptions{Transport: &http.Transport{DialContext: dial}}
	wantFinding(t, diagnose(t, opts), "problem: DNS", `"proxy.invalid"`)
}

// What was sent is said, and never shown.
func TestDiagnoseCredentials(t *testing.T) {
	const secret = "hunter2-hunter2"
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(401) }))
	t.Cleanup(server.Close)
	d := diagnose(t, diagnoseOptions(strings.Replace(server.URL, "//", "//user:"+secret+"@", 1)))
	wantFinding(t, d, "problem: authentication", "refuses the credentials that were sent")
	data, _ := json.Marshal(d)
	if text := d.String() + string(data); strings.Contains(text, secret) || !d.Sources[0].Credentials {
		t.Errorf("Credentials is %v, or they are shown in %s", d.Sources[0].Credentials, text)
	}
}

// keyless is credentials that cannot be had.
type keyless struct{}

func (keyless) Header(context.Context, *url.URL) (http.Header, error) {
	return nil, errors.New("the netrc file cannot be read")
}

func TestDiagnoseNoCredentials(t *testing.T) {
	o := newOrigin(t)
	opts := diagnoseOptions(serve(t, o))
	opts.HTTP = &upstream.HTTPOptions{Credentials: keyless{}}
	wantFinding(t, diagnose(t, opts), "problem: authentication", "the netrc file cannot be read")
	if asked := o.Asked(); asked != nil {
		t.Errorf("asked for %v", asked)
	}
}

// Directories are looked at as they are.
func TestDiagnoseDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "modules")
	wantFinding(t, diagnose(t, diagnoseOptions("file://"+dir)), "problem: directory", dir)
	if err := os.Mkdir(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	wantFinding(t, diagnose(t, diagnoseOptions("file://"+dir)), "", "")
}

func TestDiagnosePanic(t *testing.T) {
	opts := diagnoseOptions("off")
	opts.Upstream = upstream.WithName("mine", upstream.Func(func(context.Context, upstream.Request) (*upstream.Response, error) { panic("x") }))
	wantFinding(t, diagnose(t, opts), "problem: other", "mine")
}
