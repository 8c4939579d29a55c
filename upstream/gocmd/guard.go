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
	named   map[string]bool // Options.Hosts: "host" and "host:port", in lower case
	strict  bool            // names do not count: what is to be reached is a stranger's word
	resolve func(ctx context.Context, host string) ([]netip.Addr, error)
	dial    func(ctx context.Context, network, address string) (net.Conn, error)
}

// dialTimeout bounds one attempt to connect to one address.
const dialTimeout = 10 * time.Second

func newGuard(s *settings) *guard {
	g := &guard{named: map[string]bool{}, resolve: s.Resolve, dial: s.Dial}
	for _, host := range s.Hosts {
		if _, _, err := net.SplitHostPort(host); err != nil {
			host = strings.Trim(host, "[]")
		}
		g.named[strings.ToLower(host)] = true
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

// forStrangers returns the guard for hosts that Options.Hosts does not count for.
func (g *guard) forStrangers() *guard {
	strict := *g
	strict.strict = true
	return &strict
}

// of returns the guard for a host that a module leads to.
func (g *guard) of(t trust, host string) *guard {
	if t.byName(host) {
		return g
	}
	return g.forStrangers()
}

// isNamed reports whether Options.Hosts names the host.
func (g *guard) isNamed(host, port string) bool {
	host = strings.ToLower(host)
	return g.named[host] || g.named[net.JoinHostPort(host, port)]
}

// isAllowed reports whether Options.Hosts names the host, and that counts.
func (g *guard) isAllowed(host, port string) bool { return !g.strict && g.isNamed(host, port) }

// checkHost says what is wrong with a host by its name alone; nil: nothing.
func (g *guard) checkHost(host, port string) *refusal {
	if g.isAllowed(host, port) {
		return nil
	}
	name := strings.ToLower(strings.TrimSuffix(host, "."))
	last := name[strings.LastIndexByte(name, '.')+1:]
	switch {
	case !isHostName(name) || isNumber(last):
		return g.refusedHost(host, port, "it is an IP address, or no host name")
	case name == last:
		return g.refusedHost(host, port, "its name has a single label")
	case last == "localhost" || strings.HasSuffix(name, ".localhost.localdomain"):
		return g.refusedHost(host, port, "it is this machine")
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
		return nil, g.refusedPort(host, port)
	}
	// net/http does not end a dial with the request that it was for.
	ctx, cancel := context.WithTimeout(ctx, 3*dialTimeout)
	defer cancel()
	addrs, err := g.addresses(ctx, host, port)
	if err != nil {
		return nil, err
	}
	for _, addr := range addrs[:min(len(addrs), maxAddresses)] {
		var conn net.Conn
		if conn, err = g.dialOne(ctx, network, net.JoinHostPort(addr.String(), port)); err == nil {
			return conn, nil
		}
	}
	return nil, err
}

// maxAddresses is how many addresses of a host are tried; all of them are checked.
const maxAddresses = 6

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
			return nil, g.refusedHost(host, port, fmt.Sprintf("its address %v is not on the public internet", addr))
		}
	}
	return addrs, nil
}
