package fetch_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
)

// visit returns what a status page answers.
func visit(h http.Handler, method, target string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestStatusPageAnswers(t *testing.T) {
	c := newClient(t, proxyOptions(serve(t, newOrigin(t))))
	plain := fetch.NewStatusHandler(c, nil)
	asking := fetch.NewStatusHandler(c, &fetch.StatusOptions{Diagnose: true})
	const browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
	for _, tt := range []struct {
		name, method, target string
		header               []string
		of                   http.Handler
		status               int
		kind                 string
	}{
		{"a browser", "GET", "/status", []string{"Accept", browser}, plain, 200, "text/html; charset=utf-8"},
		{"anything", "GET", "/", nil, plain, 200, "text/html; charset=utf-8"},
		{"a program", "GET", "/", []string{"Accept", "application/json"}, plain, 200, "application/json"},
		{"a program, by the URL", "GET", "/?format=json", []string{"Accept", browser}, plain, 200, "application/json"},
		{"a program that takes anything but JSON", "GET", "/", []string{"Accept", "*/*, application/json;q=0"}, plain, 200, "text/html; charset=utf-8"},
		{"a program that takes anything but HTML", "GET", "/", []string{"Accept", "text/html;q=0.0, application/json"}, plain, 200, "application/json"},
		{"a browser that takes JSON, too", "GET", "/", []string{"Accept", "application/json, text/html"}, plain, 200, "text/html; charset=utf-8"},
		{"another format", "GET", "/?format=xml", nil, plain, 200, "text/html; charset=utf-8"},
		{"the header alone", "HEAD", "/", nil, plain, 200, "text/html; charset=utf-8"},
		{"a diagnosis that is not offered", "POST", "/", nil, plain, 405, "text/plain; charset=utf-8"},
		{"another method", "DELETE", "/", nil, asking, 405, "text/plain; charset=utf-8"},
		{"a diagnosis for another site", "POST", "/", []string{"Sec-Fetch-Site", "cross-site"}, asking, 403, "text/plain; charset=utf-8"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := visit(tt.of, tt.method, tt.target, tt.header...)
			if w.Code != tt.status || w.Header().Get("Content-Type") != tt.kind {
				t.Errorf("%d %s, want %d %s", w.Code, w.Header().Get("Content-Type"), tt.status, tt.kind)
			}
			if tt.method == "HEAD" && w.Body.Len() > 0 {
				t.Error("the answer to HEAD has a body")
			}
			for name, want := range map[string]string{
				"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY",
			} {
				if got := w.Header().Get(name); got != want {
					t.Errorf("%s: %q, want %q", name, got, want)
				}
			}
		})
	}
}

// The policy lets in the style and the script of the page, known by their hashes, and
// nothing else; the page has no handler or style in an attribute.
func TestStatusPagePolicy(t *testing.T) {
	h := fetch.NewStatusHandler(newClient(t, proxyOptions(serve(t, newOrigin(t)))), &fetch.StatusOptions{Diagnose: true})
	w := visit(h, "GET", "/")
	policy := w.Header().Get("Content-Security-Policy")
	for _, tag := range []string{"style", "script"} {
		found := regexp.MustCompile(`(?s)<`+tag+`>(.*?)</`+tag+`>`).FindAllStringSubmatch(w.Body.String(), -1)
		if len(found) != 1 {
			t.Fatalf("%d elements %s, want one", len(found), tag)
		}
		sum := sha256.Sum256([]byte(found[0][1]))
		if want := tag + "-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "';"; !strings.Contains(policy, want) {
			t.Errorf("the policy %q lacks %q", policy, want)
		}
	}
	for _, want := range []string{"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"} {
		if !strings.Contains(policy, want) {
			t.Errorf("the policy lacks %q", want)
		}
	}
	if inline := regexp.MustCompile(`<[^>]* (style|on\w+)=`).FindString(w.Body.String()); inline != "" {
		t.Errorf("the page has %s", inline)
	}
}

func TestStatusJSON(t *testing.T) {
	c := newClient(t, proxyOptions(serve(t, newOrigin(t))))
	h := fetch.NewStatusHandler(c, nil)
	for range 3 {
		resp, err := c.Fetch(t.Context(), request(t, upstream.Mod, "example.com/hello", "v1.0.0"))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
	body := visit(h, "GET", "/?format=json").Body.String()
	var r fetch.StatusReport
	dec := json.NewDecoder(strings.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&r); err != nil {
		t.Fatal(err)
	}
	if r.LastHour.Requests != 3 || r.LastHour.Outcomes["miss"] != 1 || r.Weather.State != "well" || len(r.Sources) != 1 {
		t.Errorf("the report is %+v", r)
	}
	if strings.Contains(body, "null") {
		t.Error("there is a null where a list should be")
	}
}

// What strangers choose is shown as text, and shortened.
func TestStatusPageEscapes(t *testing.T) {
	source := upstream.WithName("<i>", &scripted{answer: func(_ context.Context, req upstream.Request) (string, error) {
		return "", &upstream.Error{Request: req, Source: "<i>", Text: `<script>alert("x")</script>'"&` + strings.Repeat("long ", 1000)}
	}})
	c := newClient(t, fetch.Options{Upstream: source})
	h := fetch.NewStatusHandler(c, nil)
	c.Fetch(t.Context(), request(t, upstream.Mod, "example.com/hello", "v1.0.0"))
	body := visit(h, "GET", "/").Body.String()
	if strings.Contains(body, "<script>alert") || strings.Contains(body, "<i>") {
		t.Error("an element of a stranger's is in the page")
	}
	if !strings.Contains(body, "&lt;script&gt;alert(") {
		t.Error("the text is not in the page at all")
	}
	if n := strings.Count(body, "long "); n > 500 {
		t.Errorf("a long text is in the page, %d words of it", n)
	}
}

func TestHostileNamesDoNotEndElements(t *testing.T) {
	source := &scripted{}
	c := newClient(t, fetch.Options{Upstream: upstream.WithName(`</title></style></script><img src=x onerror=alert(1)>`, source)})
	if body := visit(fetch.NewStatusHandler(c, &fetch.StatusOptions{Title: "</title><b>"}), "GET", "/").Body.String(); strings.Contains(body, "<img") || strings.Contains(body, "<b>") {
		t.Error("a name made an element")
	}
}

func TestConfigurationHasNoSecrets(t *testing.T) {
	const key = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
	for _, tt := range []struct {
		name string
		set  fetch.GoSettings
		want map[string]string
	}{
		{"a password in GOPROXY", fetch.GoSettings{GOPROXY: "https://ann:s3cret@a.example/go|https://s3cret@b.example,off"},
			map[string]string{"GOPROXY": "https://xxxxx@a.example/go | https://xxxxx@b.example, off"}},
		{"a bare host", fetch.GoSettings{GOPROXY: "a.example,direct"}, map[string]string{"GOPROXY": "https://a.example, direct"}},
		{"a password in the URL of GOSUMDB", fetch.GoSettings{GOPROXY: "off", GOSUMDB: key + " https://ann:s3cret@sum.example/db"},
			map[string]string{"GOSUMDB": "sum.golang.org, asked at https://xxxxx@sum.example/db"}},
		{"a token in the command of GOAUTH", fetch.GoSettings{GOPROXY: "off", GOAUTH: "true --token s3cret; netrc"},
			map[string]string{"GOAUTH": "true (arguments not shown); netrc"}},
		{"nothing", fetch.GoSettings{GOPROXY: "off"}, map[string]string{"GOPROXY": "off", "GOSUMDB": "off", "GOAUTH": "netrc", "GONOPROXY": "none"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := fetch.NewStatusHandler(newClient(t, fetch.Options{Go: &tt.set}), nil)
			got := map[string]string{}
			for _, group := range h.Report().Configuration {
				for _, s := range group.Settings {
					if _, wanted := tt.want[s.Name]; wanted {
						got[s.Name] = s.Value
					}
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("settings (-want +got):\n%s", diff)
			}
			for _, target := range []string{"/", "/?format=json"} {
				if strings.Contains(visit(h, "GET", target).Body.String(), "s3cret") {
					t.Errorf("%s shows a secret", target)
				}
			}
		})
	}
}

// A diagnosis is made at most every ten seconds, whoever asks, and all see the latest.
func TestStatusPageDiagnoses(t *testing.T) {
	o := newOrigin(t)
	var asked atomic.Int64
	c := newClient(t, proxyOptions(serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		o.ServeHTTP(w, r)
	}))))
	h := fetch.NewStatusHandler(c, &fetch.StatusOptions{Diagnose: true})
	if r := h.Report(); r.Diagnosis != nil {
		t.Error("there is a diagnosis before anybody asked")
	}
	var all sync.WaitGroup
	for range 5 {
		all.Go(func() {
			w := visit(h, "POST", "/somewhere/status")
			if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "?#diagnosis" {
				t.Errorf("%d, leading to %q", w.Code, w.Header().Get("Location"))
			}
		})
	}
	all.Wait()
	first := asked.Load()
	visit(h, "POST", "/")
	if now := asked.Load(); first == 0 || first > 2 || now != first { // a list, and perhaps a go.mod file
		t.Errorf("the source was asked %d times for five at once, and then %d times more", first, now-first)
	}
	if body := visit(h, "GET", "/").Body.String(); !strings.Contains(body, `id="diagnosis"`) {
		t.Error("the page does not show the diagnosis")
	}
}

// Who asked for a diagnosis closes the tab, and somebody else waits for it.
func TestDiagnosisOutlivesItsAsker(t *testing.T) {
	begun, release := make(chan bool, 1), make(chan bool)
	o := newOrigin(t)
	c := newClient(t, proxyOptions(serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case begun <- true:
		default:
		}
		select {
		case <-release:
		case <-r.Context().Done():
			return
		}
		o.ServeHTTP(w, r)
	}))))
	h := fetch.NewStatusHandler(c, &fetch.StatusOptions{Diagnose: true})
	ctx, leave := context.WithCancel(t.Context())
	var first, second sync.WaitGroup
	first.Go(func() { h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", "/", nil).WithContext(ctx)) })
	<-begun
	second.Go(func() { visit(h, "POST", "/") })
	leave()
	first.Wait() // it does not wait for the diagnosis
	close(release)
	second.Wait()
	d := h.Report().Diagnosis
	if d == nil || len(d.Sources) != 1 || !d.Sources[0].OK {
		t.Errorf("the diagnosis is %+v", d)
	}
}
