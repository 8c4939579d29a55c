package gocmd

import (
	"encoding/xml"
	"fmt"
	"html"
	"io"
	"net/url"
	"slices"
	"strings"
)

// A goImport is a go-import meta tag: which repository, or module proxy, has
// the import paths that begin with a prefix.
// See https://go.dev/ref/mod#vcs-find.
type goImport struct {
	prefix, vcs, root, subdir string
}

// parseGoImports reads the tags of a page as the go command does
// (cmd/go/internal/vcs, parseMetaGoImports).
func parseGoImports(r io.Reader) []goImport {
	d := xml.NewDecoder(r)
	d.CharsetReader = func(charset string, input io.Reader) (io.Reader, error) {
		if c := strings.ToLower(charset); c != "utf-8" && c != "ascii" {
			return nil, fmt.Errorf("a page in charset %q", charset)
		}
		return input, nil
	}
	d.Strict = false
	var all []goImport
	for {
		token, err := d.RawToken()
		if err != nil {
			return all // what came before a mistake counts
		}
		if e, ok := token.(xml.EndElement); ok && strings.EqualFold(e.Name.Local, "head") {
			return all
		}
		e, ok := token.(xml.StartElement)
		if ok && strings.EqualFold(e.Name.Local, "body") {
			return all
		}
		if !ok || !strings.EqualFold(e.Name.Local, "meta") || attribute(e, "name") != "go-import" {
			continue
		}
		if f := strings.Fields(attribute(e, "content")); len(f) == 3 || len(f) == 4 {
			all = append(all, goImport{f[0], f[1], f[2], strings.Join(f[3:], "")})
		}
	}
}

func attribute(e xml.StartElement, name string) string {
	i := slices.IndexFunc(e.Attr, func(a xml.Attr) bool { return strings.EqualFold(a.Name.Local, name) })
	if i < 0 {
		return ""
	}
	return e.Attr[i].Value
}

// covers reports whether the tag is about importPath.
func (g goImport) covers(importPath string) bool {
	return importPath == g.prefix || strings.HasPrefix(importPath, g.prefix+"/")
}

// tag returns the tag in HTML.
func (g goImport) tag() string {
	content := strings.TrimSpace(strings.Join([]string{g.prefix, g.vcs, g.root, g.subdir}, " "))
	return `<meta name="go-import" content="` + html.EscapeString(content) + "\">\n"
}

// check says what speaks against following the tag in a session. If nothing
// does, it returns the tag as the go command may see it.
func (p *proxy) check(s *session, g goImport) (goImport, *refusal) {
	what := "the repository of " + g.prefix
	u, err := url.Parse(g.root)
	if err != nil || u.Host == "" || u.Opaque != "" {
		return g, &refusal{what: what, why: "its go-import page does not give a URL with a host"}
	}
	what = u.Redacted()
	scheme := strings.TrimPrefix(u.Scheme, "git+")
	switch {
	case g.vcs != "git" && g.vcs != "mod":
		return g, &refusal{what: what, why: fmt.Sprintf("only git is supported, not %q", g.vcs)}
	case scheme == "https", scheme == "http" && s.insecure:
	case scheme == "ssh" && g.vcs == "git":
		return g, checkSSH(s, u.Hostname())
	default:
		return g, &refusal{what: what, why: fmt.Sprintf("only https may be used, not %q", u.Scheme)}
	}
	if r := p.guard.of(s.trust, u.Hostname()).checkHost(u.Hostname(), portOf(u)); r != nil {
		return g, r
	}
	if g.vcs == "mod" {
		return p.throughGateway(s, g, u)
	}
	return g, nil
}

// throughGateway lets the go command ask the module proxy at u, in plain http
// as everything that it asks of the gateway.
func (p *proxy) throughGateway(s *session, g goImport, u *url.URL) (goImport, *refusal) {
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return g, &refusal{what: u.Redacted(), why: "a module proxy's URL is nothing but a host and a path"}
	}
	g.root = s.allowProxy(u)
	return g, nil
}

func checkSSH(s *session, host string) *refusal {
	if slices.ContainsFunc(s.ssh, func(allowed string) bool { return strings.EqualFold(allowed, host) }) {
		return nil
	}
	return refusedSSH(s, host)
}
