package main

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
)

// refuseOwnAddress returns an error if a source in the GOPROXY list is at this
// machine and the given port, as it is when the line that this program prints
// was pasted into the shell that starts it the next time. Loops with another
// proxy in between cannot be seen from here; the handler sees them.
func refuseOwnAddress(ctx context.Context, list string, port int) error {
	entries, err := upstream.ParseGOPROXY(list)
	if err != nil {
		return err
	}
	for _, e := range entries {
		u, err := url.Parse(e.URL)
		if err != nil || sourcePort(u) != strconv.Itoa(port) {
			continue // only names that might be ours are worth a look-up
		}
		if isThisMachine(ctx, u.Hostname()) {
			return fmt.Errorf("GOPROXY names %s://%s, which is this proxy itself: set it to where modules come from, as in GOPROXY=https://proxy.example, and start again", u.Scheme, u.Host)
		}
	}
	return nil
}

// sourcePort returns the port that a source is asked at, or "" for one that is
// not asked over the network.
func sourcePort(u *url.URL) string {
	switch u.Scheme {
	case "http":
		return cmp.Or(u.Port(), "80")
	case "https":
		return cmp.Or(u.Port(), "443")
	}
	return ""
}

// isThisMachine reports whether host has an address of this machine. A name
// that cannot be looked up now is no reason not to start.
func isThisMachine(ctx context.Context, host string) bool {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	addrs, _ := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	own, _ := net.InterfaceAddrs()
	for _, addr := range addrs {
		addr = addr.Unmap().WithZone("")
		if addr.IsLoopback() || addr.IsUnspecified() || isAmong(own, addr) {
			return true
		}
	}
	return false
}

func isAmong(own []net.Addr, addr netip.Addr) bool {
	for _, o := range own {
		if prefix, err := netip.ParsePrefix(o.String()); err == nil && prefix.Addr().Unmap() == addr {
			return true
		}
	}
	return false
}
