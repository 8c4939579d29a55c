package gocmd

import "net/netip"

// reserved are the blocks that are not on the public internet, from the special
// purpose registries of IANA (RFC 6890 and its successors).
var reserved = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),       // this network
	netip.MustParsePrefix("10.0.0.0/8"),      // private
	netip.MustParsePrefix("100.64.0.0/10"),   // carriers' NAT
	netip.MustParsePrefix("127.0.0.0/8"),     // loopback
	netip.MustParsePrefix("169.254.0.0/16"),  // link-local, metadata services
	netip.MustParsePrefix("172.16.0.0/12"),   // private
	netip.MustParsePrefix("192.0.0.0/24"),    // protocol assignments
	netip.MustParsePrefix("192.0.2.0/24"),    // documentation
	netip.MustParsePrefix("192.88.99.0/24"),  // relays of 6to4
	netip.MustParsePrefix("192.168.0.0/16"),  // private
	netip.MustParsePrefix("198.18.0.0/15"),   // benchmarks
	netip.MustParsePrefix("198.51.100.0/24"), // documentation
	netip.MustParsePrefix("203.0.113.0/24"),  // documentation
	netip.MustParsePrefix("224.0.0.0/3"),     // multicast, reserved, broadcast
	netip.MustParsePrefix("2001::/23"),       // protocol assignments, Teredo among them
	netip.MustParsePrefix("2001:db8::/32"),   // documentation
	netip.MustParsePrefix("3fff::/20"),       // documentation
}

var (
	global = netip.MustParsePrefix("2000::/3")     // all of IPv6 that is given out
	nat64  = netip.MustParsePrefix("64:ff9b::/96") // an IPv4 address follows (RFC 6052)
	sixTo4 = netip.MustParsePrefix("2002::/16")    // an IPv4 address follows (RFC 3056)
)

// isPublic reports whether addr is on the public internet. An address that
// carries an IPv4 address is what that one is.
func isPublic(addr netip.Addr) bool {
	if addr.Zone() != "" {
		return false
	}
	addr = addr.Unmap()
	if addr.Is6() {
		raw := addr.As16()
		switch {
		case nat64.Contains(addr):
			return isPublic(netip.AddrFrom4([4]byte(raw[12:])))
		case sixTo4.Contains(addr):
			return isPublic(netip.AddrFrom4([4]byte(raw[2:6])))
		case !global.Contains(addr):
			return false
		}
	}
	for _, block := range reserved {
		if block.Contains(addr) {
			return false
		}
	}
	return addr.IsValid()
}
