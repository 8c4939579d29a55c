package guard

import (
	"errors"
	"net/http"
	"net/netip"
	"strings"

	"github.com/breakwater-go/breakwater/upstream"
)

// An AddrFunc says which address a request is from; ok is false if that is not
// known. The address has no zone, and IPv4 is not wrapped in IPv6.
type AddrFunc func(r *http.Request) (addr netip.Addr, ok bool)

// RemoteAddr is the AddrFunc that believes the connection alone: the address is
// that of the client, or of the proxy next to us. What headers say is not looked
// at.
func RemoteAddr(r *http.Request) (netip.Addr, bool) {
	if ap, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		return plain(ap.Addr()), true
	}
	return netip.Addr{}, false
}

// plain returns addr without what makes two of one address. A zone names an
// interface of this machine, and a prefix with a zone would match nothing.
func plain(addr netip.Addr) netip.Addr { return addr.Unmap().WithZone("") }

// ForwardedFor returns an AddrFunc for a server behind the given reverse
// proxies, which add the address of who called them to X-Forwarded-For. The
// client is the last address in that header that is none of the proxies', for
// what stands before it was written by the client. The header is believed only on
// connections from one of the proxies, and with something in it that is no
// address, nothing is known. The header Forwarded (RFC 7239) is not looked at.
//
// Name the proxies as narrowly as possible: a client whose address is among
// them can say that he is anybody. If a proxy passes X-Forwarded-For on without
// adding to it, its clients can, too.
func ForwardedFor(proxies ...netip.Prefix) AddrFunc {
	proxies = masked(proxies)
	return func(r *http.Request) (netip.Addr, bool) {
		addr, ok := RemoteAddr(r)
		if !ok {
			return netip.Addr{}, false
		}
		hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
		for len(hops) > 0 && contains(proxies, addr) {
			hop := strings.TrimSpace(hops[len(hops)-1])
			hops = hops[:len(hops)-1]
			if hop == "" && len(hops) == 0 {
				break // no header: the proxy itself asks
			}
			next, err := parseHop(hop)
			if err != nil {
				return netip.Addr{}, false
			}
			addr = next
		}
		return addr, true
	}
}

// parseHop reads an address as proxies write it: some add the port.
func parseHop(hop string) (netip.Addr, error) {
	if ap, err := netip.ParseAddrPort(hop); err == nil {
		return plain(ap.Addr()), nil
	}
	addr, err := netip.ParseAddr(hop)
	return plain(addr), err
}

var errNetwork = errors.New("this proxy does not answer to your network: ask who runs it, or use a VPN")

// Networks returns a Check that lets through clients with an address in one of
// prefixes, by where the connection comes from. See [NetworksBy] for a server
// behind a reverse proxy. It tells machines apart, not people: whoever shares an
// address, or can send from one, is let in.
func Networks(prefixes ...netip.Prefix) Check { return NetworksBy(RemoteAddr, prefixes...) }

// NetworksBy is [Networks] by the address that from tells, such as
// [ForwardedFor]. An address that is not known is refused, as every address is if
// there are no prefixes.
func NetworksBy(from AddrFunc, prefixes ...netip.Prefix) Check {
	prefixes = masked(prefixes)
	return func(r *http.Request, _ upstream.Request) error {
		if addr, ok := from(r); ok && contains(prefixes, addr) {
			return nil
		}
		return errNetwork
	}
}

// masked returns the prefixes in the form that plain addresses have: one of
// IPv4 that is wrapped in IPv6 would match none of them.
func masked(prefixes []netip.Prefix) []netip.Prefix {
	var out []netip.Prefix
	for _, p := range prefixes {
		if p.Addr().Is4In6() && p.Bits() >= 96 {
			p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
		}
		out = append(out, p)
	}
	return out
}

func contains(prefixes []netip.Prefix, addr netip.Addr) bool {
	for _, p := range prefixes {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}
