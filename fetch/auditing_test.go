package fetch_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/fetch/audit"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
)

// ledger collects what a handler tells of.
type ledger struct {
	mu      sync.Mutex
	records []audit.Record
	told    chan struct{} // one for each; nil: nobody waits
}

func (l *ledger) tell(_ context.Context, r audit.Record) {
	l.mu.Lock()
	l.records = append(l.records, r)
	l.mu.Unlock()
	if l.told != nil {
		l.told <- struct{}{}
	}
}

func withoutTimes(t *testing.T, records []audit.Record) []audit.Record {
	t.Helper()
	for i := range records {
		if since := time.Since(records[i].Time); since < 0 || since > time.Hour {
			t.Errorf("record %d is of %v", i, records[i].Time)
		}
		records[i].Time = time.Time{}
	}
	return records
}

func digestOf(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

func TestAuditOfDownloads(t *testing.T) {
	o := newOrigin(t)
	const name = "example.com/hello/@v/v1.0.0."
	mod, zip := o.File(name+"mod"), o.File(name+"zip")
	record := func(kind string, content []byte, status, sent int) []audit.Record {
		return []audit.Record{{
			Caller: "192.0.2.1", Module: "example.com/hello", Version: "v1.0.0", Kind: kind, Status: status, Decision: audit.Allowed,
			Source: "memory", Origin: "scripted", SHA256: digestOf(content), Size: int64(len(content)), Sent: int64(sent),
		}}
	}
	tests := []struct {
		method, path string
		header       []string
		want         []audit.Record
	}{
		{"GET", "/" + name + "mod", nil, record("mod", mod, 200, len(mod))},
		{"GET", "/" + name + "zip", nil, record("zip", zip, 200, len(zip))},
		{"GET", "/" + name + "zip", []string{"Range", "bytes=3-12"}, record("zip", zip, 206, 10)},
		{"GET", "/" + name + "zip", []string{"If-None-Match", `"` + digestOf(zip) + `"`}, record("zip", zip, 304, 0)},
		{"GET", "/" + name + "zip", []string{"Range", "bytes=99999999-"}, nil},
		{"GET", "/" + name + "zip", []string{"If-Match", `"other"`}, nil},
		{"HEAD", "/" + name + "zip", nil, nil},
		{"HEAD", "/" + name + "mod", nil, nil},
		{"GET", "/" + name + "info", nil, nil},
		{"GET", "/example.com/hello/@v/list", nil, nil},
		{"GET", "/example.com/nobody/@v/list", nil, nil},
		{"GET", "/example.com/hello/@v/v1.0.0.exe", nil, nil},
		{"POST", "/" + name + "zip", nil, nil},
	}
	source := &scripted{answer: func(_ context.Context, req upstream.Request) (string, error) {
		if content := o.File(req.Key()); content != nil {
			return string(content), nil
		}
		return "", absent(req)
	}}
	c := newClient(t, fetch.Options{Upstream: source})
	for _, tt := range tests {
		answerTo(fetch.NewHandler(c, nil), "GET", tt.path) // warm
		var l ledger
		answerTo(fetch.NewHandler(c, &fetch.HandlerOptions{Audit: l.tell}), tt.method, tt.path, tt.header...)
		if diff := cmp.Diff(tt.want, withoutVerdict(t, withoutTimes(t, l.records))); diff != "" {
			t.Errorf("%s %s %v (-want +got):\n%s", tt.method, tt.path, tt.header, diff)
		}
	}
}

// withoutVerdict takes out how a zip's form was checked, which another package names.
func withoutVerdict(t *testing.T, records []audit.Record) []audit.Record {
	t.Helper()
	for i := range records {
		if records[i].Kind == "zip" && records[i].Verified == "" {
			t.Errorf("it is not said how %s was verified", records[i].Module)
		}
		records[i].Verified = ""
	}
	return records
}

// A cold answer names the source, one from another's cache the first source.
func TestAuditNamesTheSource(t *testing.T) {
	source := &scripted{answer: func(context.Context, upstream.Request) (string, error) { return "module example.com/hello\n", nil }}
	c := newClient(t, fetch.Options{Upstream: source})
	var l ledger
	h := fetch.NewHandler(c, &fetch.HandlerOptions{Audit: l.tell, Caller: func(r *http.Request) string { return r.Header.Get("User") }})
	for range 2 {
		answerTo(h, "GET", "/example.com/hello/@v/v1.0.0.mod", "User", "gopher")
	}
	var got []string
	for _, r := range l.records {
		got = append(got, r.Caller+" "+r.Source+" "+r.Origin)
	}
	if diff := cmp.Diff([]string{"gopher scripted scripted", "gopher memory scripted"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAuditOfDenials(t *testing.T) {
	policy := &fetch.PolicyError{Decision: fetch.Decision{Denied: true, Rule: "cooldown", Reason: "too young"}}
	failing := func(err error) fetch.Fetcher {
		return &scripted{answer: func(_ context.Context, req upstream.Request) (string, error) {
			if e, ok := errors.AsType[*upstream.Error](err); ok {
				e.Request = req
			}
			return "", err
		}}
	}
	denied := func(rule, reason string, status int, source string) []audit.Record {
		return []audit.Record{{
			Caller: "192.0.2.1", Module: "example.com/hello", Version: "v1.0.0", Kind: "zip", Status: status,
			Decision: audit.Denied, Rule: rule, Reason: reason, Source: source,
		}}
	}
	refuse := func(err error) func(*http.Request, upstream.Request) error {
		return func(*http.Request, upstream.Request) error { return err }
	}
	tests := []struct {
		name    string
		fetcher fetch.Fetcher
		opts    fetch.HandlerOptions
		via     string
		want    []audit.Record
	}{
		{"by a source", failing(&upstream.Error{Class: upstream.Denied, Source: "scripted", Status: 403, Text: "not yours"}), fetch.HandlerOptions{}, "",
			denied("", "scripted: denied (status 403): not yours", 403, "scripted")},
		{"by a policy", failing(&upstream.Error{Class: upstream.Denied, Err: policy}), fetch.HandlerOptions{}, "",
			denied("cooldown", "too young", 403, "")},
		{"in a circle", failing(nil), fetch.HandlerOptions{ID: "here"}, "1.1 here",
			denied("via", "denied: the request came back to the proxy that sent it: a source of this proxy leads to this proxy, take it out of the list", 403, "")},
		{"after a long way", failing(nil), fetch.HandlerOptions{}, strings.Repeat("x", 2000),
			denied("via", "denied: the request has come through too many proxies", 403, "")},
		{"unknown", failing(nil), fetch.HandlerOptions{Authorize: refuse(&fetch.UnauthorizedError{Err: errors.New("who?")})}, "",
			denied("authorize", "denied: who?", 401, "")},
		{"not allowed", failing(nil), fetch.HandlerOptions{Authorize: refuse(errors.New("no"))}, "",
			denied("authorize", "denied: no", 403, "")},
		{"hidden", failing(nil), fetch.HandlerOptions{Authorize: refuse(&upstream.Error{Class: upstream.NotFound})}, "",
			denied("authorize", "not found", 404, "")},
		{"no answer", failing(nil), fetch.HandlerOptions{Authorize: refuse(&upstream.Error{})}, "",
			denied("authorize", "unavailable", 502, "")},
		{"nothing of the kind", failing(&upstream.Error{Class: upstream.NotFound}), fetch.HandlerOptions{}, "", nil},
		{"an outage", failing(&upstream.Error{Source: "scripted", Status: 503}), fetch.HandlerOptions{}, "", nil},
	}
	for _, tt := range tests {
		for _, method := range []string{"GET", "HEAD"} {
			var l ledger
			tt.opts.Audit = l.tell
			w := answerTo(fetch.NewHandler(tt.fetcher, &tt.opts), method, "/example.com/hello/@v/v1.0.0.zip", "Via", tt.via)
			if diff := cmp.Diff(tt.want, withoutTimes(t, l.records)); diff != "" {
				t.Errorf("%s: %s (-want +got):\n%s", tt.name, method, diff)
			}
			if len(tt.want) > 0 && w.Code != tt.want[0].Status {
				t.Errorf("%s: %s: status %d, but the record says %d", tt.name, method, w.Code, tt.want[0].Status)
			}
		}
	}
}

// A policy is heard of in whatever it had a say in, also in a dry run.
func TestAuditOfDecisions(t *testing.T) {
	policy := &fetch.Policy{Rules: []fetch.Rule{
		{Patterns: "example.com/hello", Reason: "withdrawn"},
		{Patterns: "example.com/app", Allow: true, Reason: "reviewed"},
	}}
	tests := []struct {
		dryRun bool
		ask    string
		want   []string
	}{
		{false, "GET /example.com/hello/@v/v1.0.0.zip", []string{"zip 403 denied: rule, withdrawn"}},
		{false, "GET /example.com/hello/@v/list", []string{"list 403 denied: rule, withdrawn"}},
		{true, "GET /example.com/hello/@v/v1.0.0.zip", []string{"zip 200 would deny: rule, withdrawn"}},
		{true, "HEAD /example.com/hello/@v/v1.0.0.zip", []string{"zip 200 would deny: rule, withdrawn"}},
		{true, "GET /example.com/hello/@v/list", []string{"list 200 would deny: rule, withdrawn"}},
		{false, "GET /example.com/app/@v/v1.0.0.mod", []string{"mod 200 allowed: rule, reviewed"}},
		{false, "GET /example.com/app/@v/v1.0.0.info", []string{"info 200 allowed: rule, reviewed"}},
		{false, "GET /example.com/Shout/@v/v1.0.0.info", nil},
		{false, "GET /example.com/app/@v/v9.0.0.info", []string{"info 404 allowed: rule, reviewed"}},
		{true, "GET /example.com/hello/@v/v9.0.0.info", []string{"info 404 would deny: rule, withdrawn"}},
		{false, "GET /example.com/!shout/@v/v9.0.0.info", nil},
	}
	for _, tt := range tests {
		policy.DryRun = tt.dryRun
		policed, err := policy.Wrap(overhear(t))
		if err != nil {
			t.Fatal(err)
		}
		var l ledger
		method, path, _ := strings.Cut(strings.ReplaceAll(tt.ask, "Shout", "!shout"), " ")
		w := answerTo(fetch.NewHandler(policed, &fetch.HandlerOptions{Audit: l.tell}), method, path)
		policed.Close()
		var got []string
		for _, r := range l.records {
			got = append(got, fmt.Sprintf("%s %d %s: %s, %s", r.Kind, r.Status, r.Decision, r.Rule, r.Reason))
			if r.Sent != 0 && r.Sent != int64(w.Body.Len()) || r.Status != w.Code {
				t.Errorf("%s: record %+v, but %d bytes with status %d", tt.ask, r, w.Body.Len(), w.Code)
			}
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.ask, diff)
		}
	}
}

// Of another's Fetcher little may be known.
func TestAuditOfUnknownOrigin(t *testing.T) {
	f := upstream.Func(func(context.Context, upstream.Request) (*upstream.Response, error) {
		return &upstream.Response{Body: io.NopCloser(strings.NewReader("module m\n")), Size: -1, Source: "other"}, nil
	})
	var l ledger
	answerTo(fetch.NewHandler(f, &fetch.HandlerOptions{Audit: l.tell}), "GET", "/example.com/hello/@v/v1.0.0.mod")
	want := []audit.Record{{
		Caller: "192.0.2.1", Module: "example.com/hello", Version: "v1.0.0", Kind: "mod", Status: 200, Decision: audit.Allowed,
		Source: "other", Origin: "other", Sent: 9,
	}}
	if diff := cmp.Diff(want, withoutTimes(t, l.records)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A record comes after the answer, and says how much of it left.
func TestAuditOfBrokenDownloads(t *testing.T) {
	for _, seekable := range []bool{false, true} {
		l := ledger{told: make(chan struct{}, 1)}
		url := serve(t, fetch.NewHandler(broken{seekable}, &fetch.HandlerOptions{Audit: l.tell}))
		resp, err := http.Get(url + "/example.com/hello/@v/v1.0.0.zip")
		if err == nil {
			_, err = io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
		}
		if err == nil {
			t.Errorf("seekable %v: the client saw no error", seekable)
		}
		<-l.told
		if r := l.records[0]; r.Status != 200 || r.Size != 100_000 || r.Sent != 50_000 {
			t.Errorf("seekable %v: status %d, size %d, sent %d; want 200, 100000 and 50000", seekable, r.Status, r.Size, r.Sent)
		}
	}
}

func TestAuditOfClientThatWentAway(t *testing.T) {
	const size = 64 << 20 // more than any socket buffers
	file := filepath.Join(t.TempDir(), "zip")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(file, size); err != nil {
		t.Fatal(err)
	}
	l := ledger{told: make(chan struct{}, 1)}
	url := serve(t, fetch.NewHandler(onFile(file), &fetch.HandlerOptions{Audit: l.tell}))
	resp, err := http.Get(url + "/example.com/hello/@v/v1.0.0.zip")
	if err != nil {
		t.Fatal(err)
	}
	io.ReadFull(resp.Body, make([]byte, 1000))
	resp.Body.Close()
	<-l.told
	if r := l.records[0]; r.Status != 200 || r.Size != size || r.Sent < 1000 || r.Sent >= size {
		t.Errorf("status %d, size %d, sent %d; want 200, %d and less than that", r.Status, r.Size, r.Sent, size)
	}
}

// onFile is a Fetcher whose every answer is a file on disk.
type onFile string

func (f onFile) Fetch(context.Context, upstream.Request) (*upstream.Response, error) {
	file, err := os.Open(string(f))
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	return &upstream.Response{Body: file, Size: info.Size(), Source: "disk"}, nil
}

// readerFrom is a ResponseWriter that notes what it is given to copy.
type readerFrom struct {
	*httptest.ResponseRecorder
	from []io.Reader
}

func (w *readerFrom) ReadFrom(r io.Reader) (int64, error) {
	w.from = append(w.from, r)
	return io.Copy(w.ResponseRecorder, r)
}

// The server is given the file itself, which it hands to the kernel.
func TestAuditKeepsSendfile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "zip")
	content := bytes.Repeat([]byte("zip"), 1000)
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	var l ledger
	for name, opts := range map[string]*fetch.HandlerOptions{"with": {Audit: l.tell}, "without": nil} {
		w := &readerFrom{ResponseRecorder: httptest.NewRecorder()}
		fetch.NewHandler(onFile(file), opts).ServeHTTP(w, httptest.NewRequest("GET", "/example.com/hello/@v/v1.0.0.zip", nil))
		if !bytes.Equal(w.Body.Bytes(), content) {
			t.Errorf("%s audit: %d bytes, want %d", name, w.Body.Len(), len(content))
		}
		if len(w.from) != 1 {
			t.Fatalf("%s audit: ReadFrom was called %d times, want once", name, len(w.from))
		}
		limited, ok := w.from[0].(*io.LimitedReader)
		if !ok {
			t.Fatalf("%s audit: the server got a %T", name, w.from[0])
		}
		if _, ok := limited.R.(*os.File); !ok {
			t.Errorf("%s audit: the server got a %T, not the file", name, limited.R)
		}
	}
	if len(l.records) != 1 || l.records[0].Sent != int64(len(content)) {
		t.Errorf("records %+v", l.records)
	}
}

// Nothing stands between the server and a body that cannot seek where nobody is told.
func TestNoAuditNoWrapper(t *testing.T) {
	w := &readerFrom{ResponseRecorder: httptest.NewRecorder()}
	var got http.ResponseWriter
	f := upstream.Func(func(context.Context, upstream.Request) (*upstream.Response, error) {
		return &upstream.Response{Body: io.NopCloser(spy{&got}), Source: "spy"}, nil
	})
	fetch.NewHandler(f, nil).ServeHTTP(w, httptest.NewRequest("GET", "/example.com/hello/@v/v1.0.0.zip", nil))
	if got != w {
		t.Errorf("the body was written to a %T", got)
	}
}

// spy notes where it is written to.
type spy struct{ to *http.ResponseWriter }

func (spy) Read([]byte) (int, error) { return 0, io.EOF }

func (s spy) WriteTo(w io.Writer) (int64, error) {
	*s.to, _ = w.(http.ResponseWriter)
	return 0, nil
}

// By default a caller is who his certificate says he is, if that was verified.
func TestAuditCaller(t *testing.T) {
	cert := &x509.Certificate{Subject: pkix.Name{CommonName: "build-7", Organization: []string{"Example"}}}
	tests := []struct {
		addr string
		tls  *tls.ConnectionState
		want string
	}{
		{"192.0.2.1:1234", nil, "192.0.2.1"},
		{"[2001:db8::1]:1234", nil, "2001:db8::1"},
		{"@", nil, "@"}, // a unix socket
		{"192.0.2.1:1234", &tls.ConnectionState{PeerCertificates: []*x509.Certificate{cert}}, "192.0.2.1"},
		{"192.0.2.1:1234", &tls.ConnectionState{VerifiedChains: [][]*x509.Certificate{{cert}}}, "CN=build-7,O=Example"},
	}
	whole := &scripted{answer: func(context.Context, upstream.Request) (string, error) { return "a zip", nil }}
	for _, tt := range tests {
		var l ledger
		r := httptest.NewRequest("GET", "/example.com/hello/@v/v1.0.0.zip", nil)
		r.RemoteAddr, r.TLS = tt.addr, tt.tls
		fetch.NewHandler(whole, &fetch.HandlerOptions{Audit: l.tell}).ServeHTTP(httptest.NewRecorder(), r)
		if len(l.records) != 1 || l.records[0].Caller != tt.want {
			t.Errorf("%s: records %+v, want the caller %s", tt.addr, l.records, tt.want)
		}
	}
}

// Whoever cannot be told breaks the connection.
func TestPanicInAudit(t *testing.T) {
	source := &scripted{answer: func(context.Context, upstream.Request) (string, error) { return "module example.com/hello\n", nil }}
	s := httptest.NewUnstartedServer(fetch.NewHandler(source, &fetch.HandlerOptions{Audit: func(context.Context, audit.Record) { panic(http.ErrAbortHandler) }}))
	s.Start()
	defer s.Close()
	resp, err := http.Get(s.URL + "/example.com/hello/@v/v1.0.0.mod")
	if err == nil {
		_, err = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}
	if err == nil {
		t.Error("the client saw no error")
	}
}

// Caller is not asked for the sake of nobody.
func TestCallerWithoutAudit(t *testing.T) {
	opts := &fetch.HandlerOptions{
		Caller:    func(*http.Request) string { t.Error("Caller was called"); return "" },
		Authorize: func(*http.Request, upstream.Request) error { return nil },
	}
	source := &scripted{answer: func(context.Context, upstream.Request) (string, error) { return goMod, nil }}
	answerTo(fetch.NewHandler(source, opts), "GET", "/example.com/hello/@v/v1.0.0.mod")
}
