package gocmd

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"
)

// A guard makes the connections of a Source. What is not on the public
// internet is refused unless it was allowed by name. The address that is
// checked is the one that is dialled, so a name that changes its address
// between check and use gains nothing.
type guard struct {
	allowed map[string]bool // "host" and "host:port", in lower case
	resolve func(ctx context.Context, host string) ([]netip.Addr, error)
	dial    func(ctx context.Context, network, address string) (net.Conn, error)
}

// dialTimeout bounds one attempt to connect to one address.
const dialTimeout = 10 * time.Second

func newGuard(s *settings) *guard {
	g := &guard{allowed: map[string]bool{}, resolve: s.Resolve, dial: s.Dial}
	for _, host := range s.Hosts {
		if _, _, err := net.SplitHostPort(host); err != nil {
			host = strings.Trim(host, "[]")
		}
		g.allowed[strings.ToLower(host)] = true
	}
	if g.resolve == nil {
		g.resolve = func(ctx context.Context, host string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		}
	}
	if g.dial == nil {
		g.dial = new(net.Dialer).DialContext
	}
	return g
}

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
func refusedHost(host, why string) *refusal {
	return &refusal{host, why, fmt.Sprintf("if it is meant to be reached, add %q to Options.Hosts", host)}
}

// isAllowed reports whether Options.Hosts names the host; port may be empty.
func (g *guard) isAllowed(host, port string) bool {
	host = strings.ToLower(host)
	return g.allowed[host] || port != "" && g.allowed[net.JoinHostPort(host, port)]
}

// checkHost says what is wrong with a host by its name alone; nil: nothing.
func (g *guard) checkHost(host, port string) *refusal {
	if g.isAllowed(host, port) {
		return nil
	}
	name := strings.ToLower(strings.TrimSuffix(host, "."))
	last := name[strings.LastIndexByte(name, '.')+1:]
	switch {
	case !isHostName(name) || isNumber(last):
		return refusedHost(host, "it is an IP address, or no host name")
	case name == last:
		return refusedHost(host, "its name has a single label")
	case last == "localhost" || strings.HasSuffix(name, ".localhost.localdomain"):
		return refusedHost(host, "it is this machine")
	}
	return nil
}

// checkModule says what is wrong with the host that a module path begins with.
// One that is a loopback address can in no way be allowed: the go command would
// ask it without a proxy.
func (g *guard) checkModule(host string) *refusal {
	if addr, err := netip.ParseAddr(host); err == nil && addr.IsLoopback() {
		return &refusal{what: host, why: "a module path cannot begin with a loopback address"}
	}
	return g.checkHost(host, "443")
}

// isNumber reports whether the last label of a name makes resolvers take the
// whole name as an IPv4 address, in the many forms of inet_aton.
func isNumber(label string) bool {
	return strings.Trim(label, "0123456789") == "" || strings.HasPrefix(label, "0x")
}

var errNoAddress = errors.New("the name has no address")

// DialContext connects to a host that may be reached, as [net.Dialer] does. Its
// error is a *refusal for others.
func (g *guard) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	if r := g.checkHost(host, port); r != nil {
		return nil, r
	}
	if port != "443" && port != "80" && !g.isAllowed(host, port) {
		return nil, refusedHost(net.JoinHostPort(host, port), "the port is not that of https")
	}
	addrs, err := g.addresses(ctx, host, port)
	if err != nil {
		return nil, err
	}
	for _, addr := range addrs {
		var conn net.Conn
		if conn, err = g.dialOne(ctx, network, net.JoinHostPort(addr.String(), port)); err == nil {
			return conn, nil
		}
	}
	return nil, err
}

func (g *guard) dialOne(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	return g.dial(ctx, network, address)
}

// addresses resolves host. One address that is not public condemns the name: an
// honest name does not have both kinds.
func (g *guard) addresses(ctx context.Context, host, port string) ([]netip.Addr, error) {
	if addr, err := netip.ParseAddr(host); err == nil { // allowed by name, or checkHost had refused it
		return []netip.Addr{addr}, nil
	}
	addrs, err := g.resolve(ctx, host)
	if err != nil {
		return nil, err
	}
	if len(addrs) == 0 {
		return nil, &net.DNSError{Err: errNoAddress.Error(), Name: host}
	}
	if g.isAllowed(host, port) {
		return addrs, nil
	}
	for _, addr := range addrs {
		if !isPublic(addr) {
			return nil, refusedHost(host, fmt.Sprintf("its address %v is not on the public internet", addr))
		}
	}
	return addrs, nil
}
