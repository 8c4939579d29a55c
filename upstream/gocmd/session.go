package gocmd

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
)

// A session is one go command's use of the proxy, and what the proxy saw of it.
// That is what failures are judged by: never by what a command prints.
type session struct {
	trust
	token  string
	ctx    context.Context // ends with the command
	cancel context.CancelFunc
	most   int64 // bytes that may be received; negative: no bound

	received atomic.Int64

	mu        sync.Mutex
	refused   *refusal         // the first one
	failures  map[string]error // by host: why it could not be connected to
	pages     map[string]page  // by import path: what came of asking for it
	modules   []url.URL        // the module proxies that pages named
	fromProxy int              // HTTP status of the last answer of one of them
}

// A page is what came of asking for the go-import page of an import path.
type page struct {
	status int
	found  bool // a tag for the import path is there
	err    error
}

func newSession(ctx context.Context, o *settings, path string) *session {
	ctx, cancel := context.WithCancel(ctx)
	return &session{
		trust: o.trust(path), token: rand.Text(), ctx: ctx, cancel: cancel, most: o.MaxTransfer,
		failures: map[string]error{}, pages: map[string]page{},
	}
}

// receiver counts what a session receives on its way to w, and stops at the
// bound.
type receiver struct {
	w io.Writer
	s *session
}

func (r receiver) Write(p []byte) (int, error) {
	if err := r.s.receives(len(p)); err != nil {
		return 0, err
	}
	return r.w.Write(p)
}

// receives counts bytes, and returns why there may be no more of them.
func (s *session) receives(n int) error {
	if total := s.received.Add(int64(n)); s.most >= 0 && total > s.most {
		why := &refusal{
			what: "the end of the repository", why: fmt.Sprintf("it sends more than %d bytes", s.most),
			remedy: "if they are to be taken, raise " + option("MaxTransfer"),
		}
		s.sawRefusal(why)
		return why
	}
	return nil
}

// A receivedBody counts what is read of it.
type receivedBody struct {
	io.ReadCloser
	s *session
}

func (b receivedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if why := b.s.receives(n); why != nil {
		return 0, why
	}
	return n, err
}

// protocols are what git may use, by the schemes of its URLs.
func (s *session) protocols() []string {
	protocols := []string{"https"}
	if s.insecure {
		protocols = append(protocols, "http")
	}
	if len(s.ssh) > 0 {
		protocols = append(protocols, "ssh", "git+ssh")
	}
	return protocols
}

func (s *session) sawRefusal(r *refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refused == nil {
		s.refused = r
	}
}

// sawDial notes how connecting to host ended. A host that could be reached
// later has not failed.
func (s *session) sawDial(host string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		delete(s.failures, strings.ToLower(host))
		return
	}
	s.failures[strings.ToLower(host)] = err
}

func (s *session) sawPage(importPath string, p page) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pages[importPath] = p
}

// allowProxy lets the go command ask the module proxy at base, and returns the
// URL by which it does. The host in that is an alias, because one on loopback
// would be asked without our proxy.
func (s *session) allowProxy(base *url.URL) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.modules = append(s.modules, *base)
	alias := url.URL{Scheme: "http", Host: aliasOf(len(s.modules) - 1), Path: base.Path, RawPath: base.RawPath}
	return alias.String()
}

func aliasOf(i int) string { return fmt.Sprintf("proxy%d.breakwater.invalid", i) }

// proxyFor returns what u, with an alias for a host, is of a module proxy that a
// page named. It is nil for any other URL.
func (s *session) proxyFor(u *url.URL) *url.URL {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, base := range s.modules {
		if u.Host == aliasOf(i) && strings.HasPrefix(u.EscapedPath(), strings.TrimSuffix(base.EscapedPath(), "/")+"/") {
			target := *u
			target.Scheme, target.Host = base.Scheme, base.Host
			return &target
		}
	}
	return nil
}

// unalias gives the hosts in a text their own names.
func (s *session) unalias(text string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, base := range s.modules {
		text = strings.ReplaceAll(text, aliasOf(i), base.Host)
	}
	return text
}

func (s *session) sawProxy(status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fromProxy = status
}
