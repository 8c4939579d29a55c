package gocmd

import (
	"fmt"
	"net"
)

// A refusal is why a host is not connected to. It is not a failure of the host.
type refusal struct {
	what, why string
	remedy    string // what to change in order to allow it; empty: nothing
}

func (r *refusal) Error() string {
	text := "refused to reach " + r.what + ": " + r.why
	if r.remedy != "" {
		text += " (" + r.remedy + ")"
	}
	return text
}

// refusedHost makes the refusal of a host that Options.Hosts could allow.
func (g *guard) refusedHost(host, port, why string) *refusal {
	return &refusal{host, why, g.remedy(host, g.isNamed(host, port))}
}

// refusedPort makes the refusal of a port that Options.Hosts could allow.
func (g *guard) refusedPort(host, port string) *refusal {
	what := net.JoinHostPort(host, port)
	return &refusal{what, "the port is not that of https", g.remedy(what, g.isNamed(host, port))}
}

// remedy says how what, which may be named already, would be allowed.
func (g *guard) remedy(what string, named bool) string {
	const rule = "that counts only for modules that match Private (GOPRIVATE), and for a module's own host"
	switch add := fmt.Sprintf("if it is meant to be reached, add %q to %s", what, option("Hosts")); {
	case named:
		return "it is in " + option("Hosts") + ", but " + rule
	case g.strict:
		return add + "; " + rule
	default:
		return add
	}
}

func refusedSSH(s *session, host string) *refusal {
	remedy := fmt.Sprintf("if git may reach it by ssh, add %q to %s", host, option("SSHHosts"))
	if !s.private {
		remedy += "; " + onlyPrivate
	}
	return &refusal{host, "ssh is off", remedy}
}

// option names a field of Options as somebody knows it who has set it, or would
// set it, by package fetch.
func option(name string) string { return "gocmd.Options." + name + " (fetch.Options.Direct)" }

// onlyPrivate is what to say where a module lacks what others have.
const onlyPrivate = "credentials are used only for modules that match Private (GOPRIVATE)"
