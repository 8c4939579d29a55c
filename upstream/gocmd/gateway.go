package gocmd

import (
	"errors"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
)

// The go command's own requests, for go-import pages and to module proxies, are
// made by the gateway in its place. It would connect to loopback addresses
// without asking a proxy (net/http never uses one for those), so a redirect or a
// tag on a hostile page could lead it to services of this machine. It is
// therefore told by GOINSECURE to fall back to http, gets no tunnel for https,
// and so asks the gateway in plain http, through the loopback interface only.
// The gateway asks over https, verifies certificates, follows redirects within
// the guard, and hands on nothing of a page but the tags that may be followed.

// maxPage bounds a go-import page, in bytes.
const maxPage = 1 << 20

func (p *proxy) gateway(w http.ResponseWriter, r *http.Request, s *session) {
	if r.Method != http.MethodGet {
		http.Error(w, "nothing but GET", http.StatusMethodNotAllowed)
		return
	}
	if target := s.proxyFor(r.URL); target != nil {
		p.relay(w, s, target)
		return
	}
	if r.URL.RawQuery != "go-get=1" {
		http.Error(w, "nothing but go-import pages", http.StatusForbidden)
		return
	}
	p.discover(w, s, r.URL)
}

// discover answers with the tags of the go-import page at u that may be followed.
func (p *proxy) discover(w http.ResponseWriter, s *session, u *url.URL) {
	importPath := strings.TrimSuffix(u.Host+u.Path, "/")
	status, tags, err := p.imports(s, u)
	if err != nil {
		s.sawPage(importPath, page{err: err})
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	found := false
	var refused *refusal
	var body strings.Builder
	for _, tag := range tags {
		if !tag.covers(importPath) {
			body.WriteString(tag.tag()) // the go command says which tags do not match
			continue
		}
		safe, why := p.check(s, tag)
		if why != nil {
			refused = why
			continue
		}
		found = true
		body.WriteString(safe.tag())
	}
	if !found && refused != nil {
		s.sawRefusal(refused)
	}
	s.sawPage(importPath, page{status: status, found: found})
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	io.WriteString(w, "<html><head>\n"+body.String()+"</head></html>\n")
}

// imports asks for the page at u, which names no scheme that counts.
func (p *proxy) imports(s *session, u *url.URL) (status int, tags []goImport, err error) {
	target := *u
	target.Scheme = "https"
	resp, err := p.web.get(s.ctx, &target, s.trust)
	s.sawConnection(u.Hostname(), err)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	return resp.StatusCode, parseGoImports(io.LimitReader(resp.Body, maxPage)), nil
}

// relay hands on what a module proxy answers.
func (p *proxy) relay(w http.ResponseWriter, s *session, target *url.URL) {
	resp, err := p.web.get(s.ctx, target, s.trust)
	s.sawConnection(target.Hostname(), err)
	if err != nil {
		s.sawProxy(0)
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer resp.Body.Close()
	s.sawProxy(resp.StatusCode)
	if t := resp.Header.Get("Content-Type"); t != "" {
		w.Header().Set("Content-Type", t)
	}
	w.WriteHeader(resp.StatusCode)
	if _, err := io.Copy(receiver{w, s}, resp.Body); err != nil {
		s.sawProxy(0)
		panic(http.ErrAbortHandler) // what was sent so far must not look whole
	}
}

// plain makes git's request over http, which only modules of Options.Insecure
// have, without the credentials that git may have for the host.
func (p *proxy) plain(w http.ResponseWriter, r *http.Request, s *session) {
	if !s.insecure {
		s.sawRefusal(&refusal{what: r.URL.Redacted(), why: "only https may be used"})
		http.Error(w, "only https may be used", http.StatusForbidden)
		return
	}
	host := r.URL.Hostname()
	forward := &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.Out.Header.Del("Authorization") },
		Transport:     p.web.transport(s.trust, r.URL),
		FlushInterval: -1,
		ErrorLog:      p.server.ErrorLog,
		ModifyResponse: func(resp *http.Response) error {
			s.sawConnection(host, nil)
			resp.Body = receivedBody{resp.Body, s}
			return nil
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			s.sawConnection(host, err)
			status := http.StatusBadGateway
			if _, refused := errors.AsType[*refusal](err); refused {
				status = http.StatusForbidden
			}
			w.WriteHeader(status)
		},
	}
	forward.ServeHTTP(w, r)
}
