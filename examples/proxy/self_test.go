package main

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/breakwater-go/breakwater/examples/internal/fixture"
)

func TestRefusesToBeItsOwnSource(t *testing.T) {
	port := freePort(t)
	fixture.Settings(t, "https://user:secret@localhost:1,http://localhost:"+port+"|direct")
	output := fixture.NewOutput()
	code := run(t.Context(), []string{"-listen", "localhost:" + port, "-cache", t.TempDir()}, io.Discard, output)
	got := output.String()
	if code != 1 || strings.Count(got, "\n") != 1 || !strings.Contains(got, "http://localhost:"+port+", which is this proxy itself") {
		t.Errorf("exit code %d\n%s", code, got)
	}
}

// freePort returns a port that was free a moment ago.
func freePort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return strconv.Itoa(portOf(listener))
}

func TestOfflineMayNameItself(t *testing.T) {
	port := freePort(t)
	fixture.Settings(t, "http://localhost:"+port)
	p := start(t, "-listen", "localhost:"+port, "-offline")
	if want := "http://localhost:" + port; p.url != want {
		t.Errorf("serving %s, want %s", p.url, want)
	}
}

func TestOwnAddress(t *testing.T) {
	for _, test := range []struct {
		list string
		port int
		own  bool
	}{
		{"http://localhost:8080", 8080, true},
		{"http://LOCALHOST:8080/prefix", 8080, true},
		{"http://127.0.0.1:8080", 8080, true},
		{"http://127.1.2.3:8080", 8080, true},
		{"http://[::1]:8080", 8080, true},
		{"http://[::ffff:127.0.0.1]:8080", 8080, true},
		{"http://0.0.0.0:8080", 8080, true},
		{"http://" + netip.AddrPortFrom(address(t), 8080).String(), 8080, true},
		{"http://localhost", 80, true},
		{"https://localhost", 443, true},
		{"localhost:8080", 8080, true}, // means https
		{"http://192.0.2.1:8080|http://localhost:8080,direct", 8080, true},
		{"direct,http://localhost:8080", 8080, false}, // behind "direct" nothing counts
		{"http://localhost:8081", 8080, false},
		{"http://192.0.2.1:8080", 8080, false},
		{"https://localhost", 80, false},
		{"file:///srv/modules", 80, false},
		{"direct", 443, false},
		{"off", 443, false},
	} {
		err := refuseOwnAddress(t.Context(), test.list, test.port)
		if own := err != nil && strings.Contains(err.Error(), "itself"); own != test.own {
			t.Errorf("GOPROXY=%s, port %d: error %v, want one: %v", test.list, test.port, err, test.own)
		}
	}
}

// address returns an address of this machine by which others reach it, or a
// loopback address if it has none.
func address(t *testing.T) netip.Addr {
	t.Helper()
	all, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range all {
		prefix, err := netip.ParsePrefix(a.String())
		if err == nil && !prefix.Addr().IsLoopback() {
			return prefix.Addr()
		}
	}
	return netip.MustParseAddr("127.0.0.1")
}

func TestOwnAddressKeepsCredentials(t *testing.T) {
	err := refuseOwnAddress(t.Context(), "http://user:secret@localhost:8080/?token=secret", 8080)
	if err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("error is %v", err)
	}
}

func TestLoopThroughAReverseProxy(t *testing.T) {
	front := newFront(t)
	fixture.Settings(t, front.url)
	p := start(t)
	front.lead(t, p.url)
	resp, body := askAround(t, p)
	if resp.StatusCode != http.StatusForbidden || !strings.Contains(body, "came back to the proxy that sent it") {
		t.Errorf("status %d, body\n%s", resp.StatusCode, body)
	}
}

func TestLoopOfTwo(t *testing.T) {
	front := newFront(t)
	fixture.Settings(t, front.url)
	first := start(t)
	t.Setenv("GOPROXY", first.url)
	second := start(t)
	front.lead(t, second.url)
	resp, body := askAround(t, first)
	if resp.StatusCode != http.StatusForbidden || !strings.Contains(body, "came back to the proxy that sent it") {
		t.Errorf("status %d, body\n%s", resp.StatusCode, body)
	}
}

// askAround asks for what only a source could have. That there is an answer at
// all means that the request did not go round for ever.
func askAround(t *testing.T, p *instance) (*http.Response, string) {
	t.Helper()
	return fixture.Get(t, http.DefaultClient, p.url+"/example.com/hello/@v/v1.0.0.info")
}

// front is a reverse proxy, whose address is known before it leads anywhere.
type front struct {
	url    string
	target atomic.Pointer[url.URL]
}

func newFront(t *testing.T) *front {
	f := &front{}
	server := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(f.target.Load())
	}})
	t.Cleanup(server.Close)
	f.url = server.URL
	return f
}

func (f *front) lead(t *testing.T, to string) {
	t.Helper()
	target, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	f.target.Store(target)
}
