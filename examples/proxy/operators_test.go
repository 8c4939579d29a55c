package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/breakwater-go/breakwater/examples/internal/fixture"
	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

var allPages = []string{"/healthz", "/readyz", "/metrics", "/status"}

// statuses asks for each of the pages by a name, with a header that says something
// else than that the request is from here.
func statuses(t *testing.T, url, host, header string) map[string]int {
	t.Helper()
	got := map[string]int{}
	for _, page := range allPages {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+page, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = host
		if header != "" {
			req.Header.Set(header, "198.51.100.1")
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		got[page] = resp.StatusCode
	}
	return got
}

func pageStatuses(healthz, readyz, metrics, status int) map[string]int {
	return map[string]int{"/healthz": healthz, "/readyz": readyz, "/metrics": metrics, "/status": status}
}

// reachable is a listener on loopback that looks as if others could reach it.
type reachable struct{ net.Listener }

func (r reachable) Addr() net.Addr {
	return &net.TCPAddr{IP: net.IPv4zero, Port: portOf(r.Listener)}
}

// startReachable is start with a listener that others could reach. The URL is for
// this machine.
func startReachable(t *testing.T, args ...string) *instance {
	t.Helper()
	cfg, err := parseFlags(append([]string{"-listen", "0.0.0.0:0", "-cache", t.TempDir()}, args...))
	if err != nil {
		t.Fatal(err)
	}
	p := &instance{output: fixture.NewOutput(), stdout: fixture.NewOutput(), exited: make(chan int, 1)}
	log := newLog(p.output, "text", slog.LevelInfo)
	client, err := newClient(cfg, &fetch.GoSettings{GOPROXY: "off", GOSUMDB: "off"}, log)
	if err != nil {
		t.Fatal(err)
	}
	inner, err := listen("-listen", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	p.url = "http://localhost:" + strconv.Itoa(portOf(inner))
	parts := &parts{config: cfg, client: client, log: log, voice: voice{w: p.output}}
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		if err := parts.serve(ctx, reachable{inner}, nil, nil); err != nil {
			t.Error(err)
		}
		p.exited <- 0
	}()
	t.Cleanup(func() {
		cancel()
		p.exit(t)
		client.Close()
	})
	p.output.After(t, "breakwater: serving ")
	return p
}

// Who sees the operators' pages depends on where they are served and who asks.
func TestWhoSeesThePages(t *testing.T) {
	fixture.Settings(t, "off")
	own := start(t)
	admin := start(t, "-admin", "127.0.0.1:0")
	led := start(t, "-hosts", "modules.example")
	all := startReachable(t)
	named := startReachable(t, "-hosts", "modules.example,10.0.0.1", "-admin", "localhost:0")
	adminURL := func(p *instance) string { return strings.TrimSuffix(operatorsLine(t, p), "/status") }

	everything, checks, none := pageStatuses(200, 200, 200, 200), pageStatuses(200, 200, 404, 404), pageStatuses(421, 421, 421, 421)
	for _, tt := range []struct {
		name, url, host, header string
		want                    map[string]int
	}{
		{"on loopback", own.url, "", "", everything},
		{"by its address", own.url, "127.0.0.1", "", everything},
		{"by its IPv6 address", own.url, "[::1]:80", "", everything},
		{"by a name made to lead here", own.url, "evil.example", "", checks},
		{"by an address of elsewhere", own.url, "192.0.2.1", "", checks},
		{"through a reverse proxy", own.url, "", "X-Forwarded-For", checks},
		{"through another", own.url, "", "Forwarded", checks},
		{"on loopback, where others are led to", led.url, "", "", checks},
		{"beside -admin", admin.url, "", "", checks},
		{"-admin", adminURL(admin), "", "", everything},
		{"-admin by a name made to lead here", adminURL(admin), "evil.example", "", none},
		{"on all addresses", all.url, "", "", checks},
		{"on all addresses, by any name", all.url, "modules.example", "", checks},
		{"-hosts", named.url, "modules.example", "", checks},
		{"-hosts, another", named.url, "10.0.0.1:8080", "", checks},
		{"-hosts, from this machine", named.url, "", "", checks},
		{"-hosts, a name that is not one of them", named.url, "evil.example", "", none},
		{"-hosts and -admin", adminURL(named), "", "", everything},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, statuses(t, tt.url, tt.host, tt.header)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	all.output.After(t, "breakwater: /metrics and /status would be for everybody here")
	all.output.After(t, "breakwater: others reach it by the names of this machine")
	if got := named.output.After(t, "breakwater: serving "); !strings.HasPrefix(got, "http://modules.example:") {
		t.Errorf("announced %s", got)
	}
}

// The operators' address is asked for by addresses and by the names that the flags
// give it, wherever it listens: any other may be one that was made to lead here.
func TestAdminHosts(t *testing.T) {
	fixture.Settings(t, "off")
	for _, address := range []string{"localhost:0", "0.0.0.0:0"} {
		p := start(t, "-admin", address, "-hosts", "modules.example", "-admin-hosts", "proxy,Operators.example")
		url := strings.TrimSuffix(operatorsLine(t, p), "/status")
		for host, want := range map[string]int{
			"": 200, "localhost": 200, "LOCALHOST.:80": 200, "127.0.0.1:8081": 200, "[::1]:8081": 200,
			"192.0.2.1:8081": 200, "[2001:db8::1]": 200, "10.0.0.1": 200,
			"modules.example": 200, "proxy:8081": 200, "operators.example.": 200,
			"evil.example": 421, "evil.example:8081": 421, "127.0.0.1.evil.example": 421, "proxy.evil.example": 421, "1.2.3": 421,
		} {
			if diff := cmp.Diff(pageStatuses(want, want, want, want), statuses(t, url, host, "")); diff != "" {
				t.Errorf("%s as %q (-want +got):\n%s", address, host, diff)
			}
		}
	}
}

// A program that knows no name of the server is no browser.
func TestAdminWithoutHost(t *testing.T) {
	r := httptest.NewRequest("GET", "/healthz", nil)
	r.Host = ""
	w := httptest.NewRecorder()
	onlyAs(nil, fetch.LivenessHandler()).ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		t.Errorf("status %d: %s", w.Code, w.Body)
	}
}

func TestPagesAreOnlyRead(t *testing.T) {
	fixture.Settings(t, "off")
	p := start(t)
	for _, page := range []string{"/metrics", "/status"} {
		for method, want := range map[string]int{"GET": 200, "HEAD": 200, "PUT": 405, "DELETE": 405, "OPTIONS": 405} {
			req, err := http.NewRequestWithContext(t.Context(), method, p.url+page, nil)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != want || (want == 405) != (resp.Header.Get("Allow") != "") {
				t.Errorf("%s %s: status %d, Allow %q", method, page, resp.StatusCode, resp.Header.Get("Allow"))
			}
		}
	}
	resp, err := http.Post(p.url+"/metrics", "text/plain", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST /metrics: status %d", resp.StatusCode)
	}
}

// operatorsLine returns the URL of the status page that the program tells of.
func operatorsLine(t *testing.T, p *instance) string {
	t.Helper()
	status, _, _ := strings.Cut(p.output.After(t, "breakwater: for operators: "), " ")
	return status
}

func TestAdminHasNoModules(t *testing.T) {
	fixture.Settings(t, fixture.NewSource(t).URL)
	p := start(t, "-admin", "localhost:0")
	url := strings.TrimSuffix(operatorsLine(t, p), "/status")
	resp, body := fixture.Get(t, http.DefaultClient, url+"/example.com/hello/@v/list")
	if resp.StatusCode != http.StatusNotFound || !strings.Contains(body, "/status, /metrics") {
		t.Errorf("status %d: %s", resp.StatusCode, body)
	}
}

func TestAdminIsServedByTLS(t *testing.T) {
	fixture.Settings(t, "off")
	files := newPairFiles(t, "first.example")
	p := start(t, "-tls-cert", files.cert, "-tls-key", files.key, "-admin", "localhost:0")
	url := operatorsLine(t, p)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}}
	if resp, _ := fixture.Get(t, client, url); !strings.HasPrefix(url, "https://localhost:") || resp.StatusCode != http.StatusOK {
		t.Errorf("%s: status %d", url, resp.StatusCode)
	}
}

func TestHealth(t *testing.T) {
	fixture.Settings(t, "off")
	p := start(t)
	resp, body := fixture.Get(t, http.DefaultClient, p.url+"/healthz")
	if resp.StatusCode != http.StatusOK || body != "ok\n" {
		t.Errorf("status %d, body %q", resp.StatusCode, body)
	}
	if got := resp.Header.Get("Content-Type"); !strings.HasPrefix(got, "text/plain") {
		t.Errorf("Content-Type is %q", got)
	}
	if h := readiness(t, p); !h.Ready || !h.Serve.OK || !h.Fetch.Off || !h.Verify.Off {
		t.Errorf("%+v", h)
	}
}

func readiness(t *testing.T, p *instance) fetch.Health {
	t.Helper()
	resp, body := fixture.Get(t, http.DefaultClient, p.url+"/readyz")
	var h fetch.Health
	if err := json.Unmarshal([]byte(body), &h); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("status %d: %v\n%s", resp.StatusCode, err, body)
	}
	return h
}

// The metrics are what Prometheus can read, and count what the go command asked for.
func TestMetrics(t *testing.T) {
	source := fixture.NewSource(t)
	fixture.Settings(t, source.URL)
	p := start(t)
	for range 2 {
		fixture.NewGoCommand(t, p.url).Run(t, "mod", "download", "example.com/dep@v0.1.0")
	}
	families := scrape(t, p.url)
	for name, labels := range map[string]string{
		"breakwater_requests_total":      `outcome="miss"`,
		"breakwater_attempts_total":      `source="` + source.URL + `"`,
		"breakwater_http_requests_total": `code="200"`,
		"go_goroutines":                  "",
		"process_open_fds":               "",
	} {
		if got := total(families[name], labels); got < 1 {
			t.Errorf("%s{%s} is %v", name, labels, got)
		}
	}
}

func scrape(t *testing.T, url string) map[string]*dto.MetricFamily {
	t.Helper()
	_, body := fixture.Get(t, http.DefaultClient, url+"/metrics")
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(body))
	if err != nil {
		t.Fatalf("%v\n%s", err, body)
	}
	return families
}

// total adds the counters and gauges that have a label, given as name="value".
func total(f *dto.MetricFamily, label string) float64 {
	var sum float64
	for _, m := range f.GetMetric() {
		has := label == ""
		for _, l := range m.GetLabel() {
			has = has || l.GetName()+`="`+l.GetValue()+`"` == label
		}
		if has {
			sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	return sum
}

// What is not exactly the path of a page is the protocol's business, whatever it is.
func TestRoutesLeaveTheProtocolAlone(t *testing.T) {
	client, err := fetch.New(&fetch.Options{
		Upstream: upstream.Off(), Go: &fetch.GoSettings{GOSUMDB: "off"}, CacheDir: t.TempDir(),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	own := newOperators(client)
	defer own.close()
	modules := fetch.NewHandler(client, nil)
	routed := routes(modules, checks(client), own)
	for _, path := range []string{
		"/", "/metrics/", "/status/", "/status/@v/list", "/metrics/@latest", "//metrics", "/./status", "/a/../status",
		"/Status", "/readyz/x", "/example.com/hello/@v/list", "/sumdb/sum.golang.org/supported",
	} {
		ask := func(h http.Handler) (int, string) {
			w := httptest.NewRecorder()
			r := httptest.NewRequest("GET", "http://localhost/", nil)
			r.URL.Path = path
			h.ServeHTTP(w, r)
			return w.Code, w.Body.String()
		}
		wantCode, want := ask(modules)
		if code, body := ask(routed); code != wantCode || body != want {
			t.Errorf("%s: %d %q, want %d %q", path, code, body, wantCode, want)
		}
	}
}

func TestIsLoopback(t *testing.T) {
	for host, want := range map[string]bool{
		"localhost": true, "LocalHost.": true, "127.0.0.1": true, "127.1.2.3": true, "::1": true, "::ffff:127.0.0.1": true,
		"": false, "0.0.0.0": false, "192.0.2.1": false, "localhost.evil.example": false, "127.0.0.1.evil.example": false,
	} {
		if got := isLoopback(host); got != want {
			t.Errorf("%q: %v", host, got)
		}
		if got := isLoopback(hostOf(net.JoinHostPort(host, "80"))); got != want {
			t.Errorf("%q with a port: %v", host, got)
		}
	}
}
