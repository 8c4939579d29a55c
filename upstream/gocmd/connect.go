package gocmd

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// A proxy is the one way by which commands reach https: an HTTP proxy on
// loopback. Each command has a token of its own for it, so that nobody else on
// the machine can use it and each connection is known to belong to one command.
//
// The two programs that use it are told apart by user name. git gets tunnels.
// The go command gets none: what it wants to know is asked for by the proxy
// itself (see gateway.go).
type proxy struct {
	guard    *guard
	web      *web
	server   *http.Server
	listener net.Listener
	ctx      context.Context // ends with Close
	cancel   context.CancelFunc
	running  sync.WaitGroup // the server, and requests, which a server forgets once they are tunnels

	mu       sync.Mutex
	closed   bool
	sessions map[string]*session // by token
}

// The user names in the proxy's URL.
const (
	userGo  = "go"
	userGit = "git"
)

func newProxy(g *guard, w *web) (*proxy, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("gocmd: cannot listen on loopback for the commands' connections: %w", err)
	}
	p := &proxy{guard: g, web: w, listener: listener, sessions: map[string]*session{}}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	p.server = &http.Server{
		Handler:           p,
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          log.New(io.Discard, "", 0), // what strangers send is no concern
		BaseContext:       func(net.Listener) context.Context { return p.ctx },
	}
	p.running.Go(func() { p.server.Serve(listener) })
	return p, nil
}

// Close ends every connection and returns when nothing is left of them.
func (p *proxy) Close() error {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.cancel()
	err := p.server.Close()
	p.running.Wait()
	p.web.CloseIdleConnections()
	return err
}

// url is the proxy as a session's command is told of it.
func (p *proxy) url(s *session, user string) string {
	return "http://" + user + ":" + s.token + "@" + p.listener.Addr().String()
}

// open lets a command with the session's token in.
func (p *proxy) open(s *session) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sessions[s.token] = s
}

// close ends the session and its tunnels.
func (p *proxy) close(s *session) {
	s.cancel()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.sessions, s.token)
}

// authenticate returns whose request it is; no session for a stranger's.
func (p *proxy) authenticate(r *http.Request) (s *session, user string) {
	encoded, ok := strings.CutPrefix(r.Header.Get("Proxy-Authorization"), "Basic ")
	if !ok {
		return nil, ""
	}
	decoded, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return nil, ""
	}
	user, token, _ := strings.Cut(string(decoded), ":")
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sessions[token], user
}

// begin counts a request, unless Close may be waiting for the count already.
func (p *proxy) begin() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closed {
		p.running.Add(1)
	}
	return !p.closed
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !p.begin() {
		return
	}
	defer p.running.Done()
	s, user := p.authenticate(r)
	if s == nil {
		w.Header().Set("Proxy-Authenticate", `Basic realm="breakwater"`)
		http.Error(w, "this proxy serves the commands of one program only", http.StatusProxyAuthRequired)
		return
	}
	switch {
	case r.Method == http.MethodConnect && user == userGit:
		p.tunnel(w, r, s)
	case r.Method == http.MethodConnect:
		http.Error(w, "the go command gets no tunnel", http.StatusForbidden)
	case r.URL.Scheme != "http" || r.URL.Host == "":
		http.Error(w, "not a request to a proxy", http.StatusBadRequest)
	case user == userGit:
		p.plain(w, r, s)
	default:
		p.gateway(w, r, s)
	}
}

// tunnel connects git to a host, on the port of https where it was not allowed
// by name.
func (p *proxy) tunnel(w http.ResponseWriter, r *http.Request, s *session) {
	host, port, err := net.SplitHostPort(r.Host)
	if err != nil {
		http.Error(w, "not host:port", http.StatusBadRequest)
		return
	}
	guard := p.guard.of(s.trust, host)
	var there net.Conn
	if port == "80" && !guard.isAllowed(host, port) {
		err = guard.refusedPort(host, port)
	} else {
		there, err = guard.DialContext(s.ctx, "tcp", r.Host)
	}
	s.sawConnection(host, err)
	if err != nil {
		http.Error(w, "no connection", http.StatusForbidden)
		return
	}
	defer there.Close()
	here, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer here.Close()
	here.SetDeadline(time.Time{})
	if _, err := io.WriteString(here, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
		return
	}
	join(s, here, buffered, there)
}

// sawConnection files an error where it belongs: a refusal is not a failure.
func (s *session) sawConnection(host string, err error) {
	if r, ok := errors.AsType[*refusal](err); ok {
		s.sawRefusal(r)
		return
	}
	s.sawDial(host, err)
}

// join copies in both directions until both have ended, or one breaks, or the
// session ends.
func join(s *session, here net.Conn, fromHere io.Reader, there net.Conn) {
	hangUp := func() {
		here.Close()
		there.Close()
	}
	defer context.AfterFunc(s.ctx, hangUp)()
	var outward sync.WaitGroup
	outward.Go(func() {
		if !pipe(there, struct{ io.Writer }{there}, fromHere) {
			hangUp()
		}
	})
	if !pipe(here, receiver{here, s}, there) {
		hangUp()
	}
	outward.Wait()
}

// pipe copies through w to dst until src ends, and says so to dst. It reports
// whether both went well; if not, nobody should wait for more. w hides that dst
// could take the bytes from the kernel, by splice, which keeps pipes open until
// the garbage collector finds them.
func pipe(dst net.Conn, w io.Writer, src io.Reader) bool {
	if _, err := io.Copy(w, src); err != nil {
		return false
	}
	half, ok := dst.(interface{ CloseWrite() error })
	return ok && half.CloseWrite() == nil
}
