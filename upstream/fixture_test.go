package upstream_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/breakwater-go/breakwater/upstream"
)

// request returns the Request with the given key.
func request(t testing.TB, key string) upstream.Request {
	t.Helper()
	req, err := upstream.ParsePath("/" + key)
	if err != nil {
		t.Fatalf("ParsePath(/%s): %v", key, err)
	}
	return req
}

// wantError returns err as an *upstream.Error of the given class.
func wantError(t testing.TB, err error, class upstream.Class) *upstream.Error {
	t.Helper()
	e, ok := errors.AsType[*upstream.Error](err)
	if !ok {
		t.Fatalf("error is %T, want an *upstream.Error: %v", err, err)
	}
	if e.Class != class {
		t.Fatalf("class is %q, want %q: %v", e.Class, class, err)
	}
	return e
}

// source is an Upstream with a name that answers every request alike, and
// writes its name down when it is asked.
type source struct {
	name string
	log  *log
	err  *upstream.Error // nil: it has everything
}

func (s *source) Name() string { return s.name }

func (s *source) Fetch(ctx context.Context, req upstream.Request) (*upstream.Response, error) {
	s.log.add(s.name)
	if s.err != nil {
		e := *s.err
		e.Request, e.Source = req, s.name
		return nil, &e
	}
	return respond(s.name, "body"), nil
}

func respond(source, body string) *upstream.Response {
	return &upstream.Response{Body: io.NopCloser(strings.NewReader(body)), Size: int64(len(body)), Source: source}
}

// log remembers what happened, in order.
type log struct {
	mu    sync.Mutex
	lines []string
}

func (l *log) add(line string) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, line)
}

// roundTrip is an http.RoundTripper that opens no connection.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// answer returns an HTTP response as a transport would hand it over.
func answer(r *http.Request, status int, body string, header ...string) *http.Response {
	h := make(http.Header)
	for i := 0; i < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	return &http.Response{
		StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: h, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Request: r,
	}
}

// always answers every request with the same response.
func always(status int, body string, header ...string) roundTrip {
	return func(r *http.Request) (*http.Response, error) { return answer(r, status, body, header...), nil }
}

// refused is a server that nobody listens for.
func refused(*http.Request) (*http.Response, error) {
	return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
}

// hanging is a server that accepts connections and says nothing.
func hanging(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// newHTTP returns an HTTP source that must be valid.
func newHTTP(t testing.TB, baseURL string, opts *upstream.HTTPOptions) upstream.Upstream {
	t.Helper()
	u, err := upstream.NewHTTP(baseURL, opts)
	if err != nil {
		t.Fatalf("NewHTTP: %v", err)
	}
	return u
}

// over returns an HTTP source whose requests go through rt.
func over(t testing.TB, baseURL string, rt roundTrip) upstream.Upstream {
	t.Helper()
	return newHTTP(t, baseURL, &upstream.HTTPOptions{Transport: rt})
}

// served returns an HTTP source for h that is reached through net.Pipe, so that
// it may be used in a synctest bubble.
func served(t testing.TB, opts upstream.HTTPOptions, h http.HandlerFunc) upstream.Upstream {
	t.Helper()
	conns := make(pipes)
	server := &http.Server{Handler: h}
	go server.Serve(conns)
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		here, there := net.Pipe()
		select {
		case conns <- there:
			return here, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		server.Close()
	})
	opts.Transport = transport
	return newHTTP(t, "http://proxy.example", &opts)
}

// pipes is a net.Listener for the far ends of pipes.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	if conn, ok := <-p; ok {
		return conn, nil
	}
	return nil, net.ErrClosed
}

func (p pipes) Close() error   { close(p); return nil }
func (p pipes) Addr() net.Addr { return &net.TCPAddr{} }

// readBody reads a body to its end, and closes it.
func readBody(resp *upstream.Response) (string, error) {
	defer resp.Body.Close()
	var b bytes.Buffer
	_, err := b.ReadFrom(resp.Body)
	return b.String(), err
}
