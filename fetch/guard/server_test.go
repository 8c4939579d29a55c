package guard_test

import (
	"bufio"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/fetch/guard"
	"github.com/breakwater-go/breakwater/upstream"
)

// patience bounds what must happen before a test fails; nothing waits for it to
// pass.
const patience = 30 * time.Second

const (
	helloMod = "module example.com/hello\n"
)

// newModules returns the protocol's handler for one module in memory.
func newModules(t *testing.T, opts *fetch.HandlerOptions) http.Handler {
	t.Helper()
	files := fstest.MapFS{
		"example.com/hello/@v/list":        {Data: []byte("v1.0.0\n")},
		"example.com/hello/@v/v1.0.0.info": {Data: []byte(`{"Version":"v1.0.0"}`)},
		"example.com/hello/@v/v1.0.0.mod":  {Data: []byte(helloMod)},
	}
	c, err := fetch.New(&fetch.Options{
		Upstream: upstream.FS("files", files),
		Store:    cache.NewMemory(nil),
		Go:       &fetch.GoSettings{GOSUMDB: "off"},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return fetch.NewHandler(c, opts)
}

// start serves until the test ends and returns the address.
func start(t *testing.T, server *http.Server) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server.ErrorLog = log.New(io.Discard, "", 0)
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	t.Cleanup(func() {
		server.Close()
		<-ended
	})
	return listener.Addr().String()
}

// dial makes a connection that lasts no longer than a test's patience.
func dial(t *testing.T, addr string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(patience))
	return conn
}

// say sends text as it is.
func say(t *testing.T, conn net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
}

// reply reads one answer and its body.
func reply(t *testing.T, from *bufio.Reader, method string) (*http.Response, string) {
	t.Helper()
	resp, err := http.ReadResponse(from, &http.Request{Method: method})
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

// wantEnd waits for the server to close the connection.
func wantEnd(t *testing.T, from io.Reader) {
	t.Helper()
	_, err := io.Copy(io.Discard, from)
	if e, ok := err.(net.Error); ok && e.Timeout() {
		t.Error("the connection is still open")
	}
}

// The table in the package comment, and some more.
func TestHostileRequests(t *testing.T) {
	const get = "GET /example.com/hello/@v/v1.0.0.mod "
	const host = "Host: proxy.example\r\n"
	long := func(n int) string { return strings.Repeat("a", n) }
	tests := []struct {
		name, request string // the request with its headers, without the empty line
		code          int
		closed        bool
	}{
		{"an honest request", get + "HTTP/1.1\r\n" + host, 200, false},
		{"path traversal", "GET /../../../etc/passwd HTTP/1.1\r\n" + host, 404, false},
		{"path traversal in a module", "GET /example.com/hello/@v/../../../../etc/passwd HTTP/1.1\r\n" + host, 404, false},
		{"escaped dots", "GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\n" + host, 404, false},
		{"escaped slashes", "GET /example.com/hello/@v/..%2f..%2fv1.0.0.mod HTTP/1.1\r\n" + host, 404, false},
		{"escaped twice", "GET /%252e%252e/etc/passwd HTTP/1.1\r\n" + host, 404, false},
		{"backslashes", `GET /..\..\etc\passwd HTTP/1.1` + "\r\n" + host, 404, false},
		{"two slashes", "GET //example.com/hello/@v/v1.0.0.mod HTTP/1.1\r\n" + host, 404, false},
		{"dots that lead to a module", "GET /example.com/x/../hello/@v/v1.0.0.mod HTTP/1.1\r\n" + host, 404, false},
		{"a bad escape", "GET /%zz HTTP/1.1\r\n" + host, 400, true},
		{"NUL", "GET /example.com\x00/@v/list HTTP/1.1\r\n" + host, 400, true},
		{"an escaped NUL", "GET /example.com%00/@v/list HTTP/1.1\r\n" + host, 404, false},
		{"an escaped line break", "GET /example.com%0d%0aX:y/@v/list HTTP/1.1\r\n" + host, 404, false},
		{"not UTF-8", "GET /example.com/%ff/@v/list HTTP/1.1\r\n" + host, 404, false},
		{"no path", "GET example.com/hello/@v/list HTTP/1.1\r\n" + host, 400, true},

		{"another host's URL", "GET http://other.example/example.com/hello/@v/v1.0.0.mod HTTP/1.1\r\n" + host, 200, false},
		{"a file's URL", "GET file:///etc/passwd HTTP/1.1\r\n" + host, 404, false},
		{"credentials in the URL", "GET http://ann:hunter2@proxy.example/example.com/hello/@v/v1.0.0.mod HTTP/1.1\r\n" + host, 400, false},
		{"credentials in Host", get + "HTTP/1.1\r\nHost: ann:hunter2@proxy.example\r\n", 400, true},
		{"a tunnel", "CONNECT other.example:443 HTTP/1.1\r\nHost: other.example:443\r\n", 405, false},

		{"no Host", get + "HTTP/1.1\r\n", 400, true},
		{"two Hosts", get + "HTTP/1.1\r\n" + host + "Host: other.example\r\n", 400, true},
		{"Host with a path", get + "HTTP/1.1\r\nHost: proxy.example/../x\r\n", 400, true},
		{"another Host", get + "HTTP/1.1\r\nHost: rebound.example\r\n", 421, false},
		{"this Host with a port, and in upper case", get + "HTTP/1.1\r\nHost: PROXY.example.:8080\r\n", 200, false},
		{"no Host, in HTTP/1.0", get + "HTTP/1.0\r\n", 421, true},

		{"a long header", get + "HTTP/1.1\r\n" + host + "X: " + long(70<<10) + "\r\n", 431, true},
		{"many headers", get + "HTTP/1.1\r\n" + host + strings.Repeat("X: y\r\n", 15<<10), 431, true},
		{"a long URL", "GET /" + long(5000) + " HTTP/1.1\r\n" + host, 414, false},
		{"a very long URL", "GET /" + long(70<<10) + " HTTP/1.1\r\n" + host, 431, true},
		{"a path that is longer than any", "GET /" + long(3000) + " HTTP/1.1\r\n" + host, 404, false},
		{"a query", "GET /example.com/hello/@v/v1.0.0.mod?go-get=1&;%zz=<script> HTTP/1.1\r\n" + host, 200, false},
		{"a long query", "GET /example.com/hello/@v/v1.0.0.mod?" + long(300) + " HTTP/1.1\r\n" + host, 414, false},
		{"a control character in a header", get + "HTTP/1.1\r\n" + host + "X: a\x01b\r\n", 400, true},
		{"a line break without CR in a header", get + "HTTP/1.1\r\n" + host + "X: a\rY: b\r\n", 400, true},
		{"a space before the colon", get + "HTTP/1.1\r\n" + host + "Range : bytes=0-1\r\n", 400, true},
		{"a header without a name", get + "HTTP/1.1\r\n" + host + ": x\r\n", 400, true},

		{"a body", get + "HTTP/1.1\r\n" + host + "Content-Length: 5\r\n\r\nhello", 400, true},
		{"a chunked body", get + "HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n", 400, true},
		{"two lengths", get + "HTTP/1.1\r\n" + host + "Content-Length: 0\r\nContent-Length: 5\r\n", 400, true},
		{"a length and chunks", get + "HTTP/1.1\r\n" + host + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", 400, true},
		{"a negative length", get + "HTTP/1.1\r\n" + host + "Content-Length: -1\r\n", 400, true},
		{"an unknown encoding", get + "HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked, x\r\n", 501, true},
		{"a body to come", get + "HTTP/1.1\r\n" + host + "Expect: 100-continue\r\nContent-Length: 5\r\n", 400, true},
		{"an unknown expectation", get + "HTTP/1.1\r\n" + host + "Expect: a miracle\r\n", 417, true},

		{"POST", "POST /example.com/hello/@v/v1.0.0.mod HTTP/1.1\r\n" + host, 405, false},
		{"TRACE", "TRACE / HTTP/1.1\r\n" + host + "Authorization: Basic hunter2\r\n", 405, false},
		{"OPTIONS *", "OPTIONS * HTTP/1.1\r\n" + host, 405, false},
		{"OPTIONS * with a body", "OPTIONS * HTTP/1.1\r\n" + host + "Content-Length: 5\r\n", 400, true},
		{"a method of one's own", "G\x7fT / HTTP/1.1\r\n" + host, 400, true},
		{"a version of one's own", get + "HTTP/9.9\r\n" + host, 505, true},
		{"HTTP/0.9", "GET /example.com/hello/@v/v1.0.0.mod\r\n", 400, true},
		{"not HTTP", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n", 400, true},
		{"an upgrade", get + "HTTP/1.1\r\n" + host + "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n", 200, false},

		{"many ranges", get + "HTTP/1.1\r\n" + host + "Range: bytes=" + strings.Repeat("0-0,", 1000) + "1-1\r\n", 200, false},
		{"two Ranges", get + "HTTP/1.1\r\n" + host + "Range: bytes=0-1\r\nRange: bytes=2-3\r\n", 200, false},
		{"some ranges", get + "HTTP/1.1\r\n" + host + "Range: bytes=0-0,2-2,4-4\r\n", 206, false},
		{"a range that overflows", get + "HTTP/1.1\r\n" + host + "Range: bytes=99999999999999999999-\r\n", 416, false},
		{"a flood of Via", get + "HTTP/1.1\r\n" + host + strings.Repeat("Via: 1.1 a.example\r\n", 1000), 403, false},
		{"a flood of entity tags", get + "HTTP/1.1\r\n" + host + "If-None-Match: " + strings.Repeat(`"a",`, 10<<10) + "\r\n", 200, false},
	}
	addr := start(t, guard.Server(newModules(t, nil), &guard.ServerOptions{Hosts: []string{"Proxy.example", "other.example"}}))
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			conn := dial(t, addr)
			say(t, conn, tt.request+"\r\n")
			method, _, _ := strings.Cut(tt.request, " ")
			from := bufio.NewReader(conn)
			resp, body := reply(t, from, method)
			if resp.StatusCode != tt.code {
				t.Errorf("status %d, want %d: %q", resp.StatusCode, tt.code, body)
			}
			if tt.code == 200 && body != helloMod {
				t.Errorf("the answer is %q", body)
			}
			if strings.Contains(body, "hunter2") || strings.Contains(body, "root:") {
				t.Errorf("it tells: %q", body)
			}
			if tt.closed {
				wantEnd(t, from)
				return
			}
			say(t, conn, get+"HTTP/1.1\r\n"+host+"\r\n")
			if _, body := reply(t, from, "GET"); body != helloMod {
				t.Errorf("the next answer on the connection is %q", body)
			}
		})
	}
}

func TestGarbageAfterARequest(t *testing.T) {
	addr := start(t, guard.Server(newModules(t, nil), nil))
	conn := dial(t, addr)
	say(t, conn, "GET /example.com/hello/@v/v1.0.0.mod HTTP/1.1\r\nHost: a\r\n\r\nGARBAGE\x00\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n")
	from := bufio.NewReader(conn)
	for _, want := range []int{200, 400} {
		if resp, _ := reply(t, from, "GET"); resp.StatusCode != want {
			t.Errorf("status %d, want %d", resp.StatusCode, want)
		}
	}
	wantEnd(t, from)
}

func TestSecurityHeaders(t *testing.T) {
	addr := start(t, guard.Server(newModules(t, nil), nil))
	for _, path := range []string{"/example.com/hello/@v/v1.0.0.mod", "/absent.example/@v/list", "/?" + strings.Repeat("a", 300)} {
		resp, err := http.Get("http://" + addr + path)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		for name, want := range map[string]string{
			"X-Content-Type-Options":       "nosniff",
			"Content-Security-Policy":      "default-src 'none'; frame-ancestors 'none'; sandbox",
			"X-Frame-Options":              "DENY",
			"Referrer-Policy":              "no-referrer",
			"Cross-Origin-Resource-Policy": "same-origin",
			"Server":                       "",
			"Access-Control-Allow-Origin":  "",
		} {
			if got := resp.Header.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", path, name, got, want)
			}
		}
	}
}

func TestASpoofedForwardHeaderOpensNothing(t *testing.T) {
	ann := guard.Basic("modules", map[string]string{"ann": "hunter2"})
	for _, tt := range []struct {
		name    string
		check   guard.Check
		headers string
		code    int
	}{
		{"X-Forwarded-For", guard.Networks(mustPrefix("192.0.2.0/24")), "X-Forwarded-For: 192.0.2.1\r\nX-Real-IP: 192.0.2.1\r\nForwarded: for=192.0.2.1\r\n", 403},
		{"from where it is believed", guard.NetworksBy(guard.ForwardedFor(mustPrefix("127.0.0.0/8")), mustPrefix("192.0.2.0/24")), "X-Forwarded-For: 192.0.2.1\r\n", 200},
		{"and spoofed there", guard.NetworksBy(guard.ForwardedFor(mustPrefix("127.0.0.0/8")), mustPrefix("192.0.2.0/24")), "X-Forwarded-For: 192.0.2.1, 198.51.100.1\r\n", 403},
		{"the connection", guard.Networks(mustPrefix("127.0.0.0/8")), "", 200},
		{"a user's name in a header", ann.Check, "X-Forwarded-User: ann\r\nRemote-User: ann\r\n", 401},
		{"a password", ann.Check, "Authorization: " + basic("ann:hunter2") + "\r\n", 200},
		{"hidden", guard.Hidden(ann.Check, nil), "", 404},
	} {
		t.Run(tt.name, func(t *testing.T) {
			addr := start(t, guard.Server(newModules(t, &fetch.HandlerOptions{Authorize: tt.check}), nil))
			conn := dial(t, addr)
			say(t, conn, "GET /example.com/hello/@v/v1.0.0.mod HTTP/1.1\r\nHost: a\r\n"+tt.headers+"\r\n")
			resp, body := reply(t, bufio.NewReader(conn), "GET")
			if resp.StatusCode != tt.code {
				t.Errorf("status %d, want %d: %q", resp.StatusCode, tt.code, body)
			}
			if challenged := resp.Header.Get("WWW-Authenticate") != ""; challenged != (tt.code == 401) {
				t.Errorf("WWW-Authenticate is %q", resp.Header.Get("WWW-Authenticate"))
			}
		})
	}
}
