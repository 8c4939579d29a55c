package gocmd

import (
	"net/url"
	"strings"

	"golang.org/x/mod/module"
)

// A trust is what a module is trusted with. Its page, the repository that the
// page names, and redirects lead us where they like: to a private repository as
// well, whose code whoever asks for the module would get under its name, if we
// showed our credentials there or reached into our own network for it. So a
// module is a stranger's unless the user says by Options.Private that it is not.
type trust struct {
	host     string   // that the module path begins with
	private  bool     // Options.Private matches: credentials are used
	insecure bool     // Options.Insecure matches
	ssh      []string // hosts that git may reach by ssh
}

func (s *settings) trust(path string) trust {
	t := trust{host: hostOf(path), private: s.isPrivate(path), insecure: s.isInsecure(path)}
	if t.private {
		t.ssh = s.SSHHosts
	}
	return t
}

// isPrivate reports whether Options.Private matches the module.
func (s *settings) isPrivate(path string) bool { return module.MatchPrefixPatterns(s.Private, path) }

// isInsecure reports whether Options.Insecure matches the module.
func (s *settings) isInsecure(path string) bool { return module.MatchPrefixPatterns(s.Insecure, path) }

// byName reports whether Options.Hosts counts for a host that the module leads
// to. A stranger's module is allowed its own host only, which whoever asks for
// it has named himself.
func (t trust) byName(host string) bool { return t.private || strings.EqualFold(host, t.host) }

// hostOf is the host that a module path begins with.
func hostOf(path string) string {
	host, _, _ := strings.Cut(path, "/")
	return strings.ToLower(host)
}

// portOf is the port that u means.
func portOf(u *url.URL) string {
	switch port := u.Port(); {
	case port != "":
		return port
	case u.Scheme == "http":
		return "80"
	}
	return "443"
}
