package guard_test

import (
	"net/http/httptest"
	"net/netip"
	"testing"

	"github.com/breakwater-go/breakwater/fetch/guard"
	"github.com/breakwater-go/breakwater/upstream"
)

func TestNetworks(t *testing.T) {
	office := netip.MustParsePrefix
	tests := []struct {
		prefix, from string
		in           bool
	}{
		{"192.0.2.0/24", "192.0.2.7:1", true},
		{"192.0.2.0/24", "192.0.3.7:1", false},
		{"192.0.2.0/24", "[::ffff:192.0.2.7]:1", true},
		{"::ffff:192.0.2.0/120", "192.0.2.7:1", true},
		{"::ffff:192.0.2.0/120", "[::ffff:192.0.2.7]:1", true},
		{"::ffff:192.0.2.0/120", "192.0.3.7:1", false},
		{"192.0.2.9/24", "192.0.2.7:1", true}, // bits of a host do not matter
		{"2001:db8::/32", "[2001:db8:1::1]:1", true},
		{"2001:db8::/32", "[2001:db9::1]:1", false},
		{"fe80::/10", "[fe80::1%eth0]:1", true},
		{"::/0", "192.0.2.7:1", false}, // all of IPv6 is not IPv4
		{"0.0.0.0/0", "[2001:db8::1]:1", false},
		{"0.0.0.0/0", "@", false},
		{"0.0.0.0/0", "", false},
		{"0.0.0.0/0", "192.0.2.7", false}, // no server writes that
		{"0.0.0.0/0", "name.example:1", false},
	}
	for _, tt := range tests {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = tt.from
		r.Header.Set("X-Forwarded-For", "192.0.2.7, 2001:db8:1::1")
		r.Header.Set("Forwarded", "for=192.0.2.7")
		r.Header.Set("X-Real-IP", "192.0.2.7")
		err := guard.Networks(office(tt.prefix))(r, upstream.Request{})
		if (err == nil) != tt.in {
			t.Errorf("%q in %s: %v", tt.from, tt.prefix, err)
		}
	}
	r := httptest.NewRequest("GET", "/", nil)
	if guard.Networks()(r, upstream.Request{}) == nil || guard.Networks(netip.Prefix{})(r, upstream.Request{}) == nil {
		t.Error("no network lets everybody in")
	}
}

func TestForwardedFor(t *testing.T) {
	from := guard.ForwardedFor(netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8:f::/48"))
	tests := []struct {
		name, connection string
		header           []string
		want             string // "" for not known
	}{
		{"no proxy", "192.0.2.1:1", nil, "192.0.2.1"},
		{"no proxy, and a header", "192.0.2.1:1", []string{"198.51.100.1"}, "192.0.2.1"},
		{"the proxy itself", "10.0.0.1:1", nil, "10.0.0.1"},
		{"an empty header", "10.0.0.1:1", []string{""}, "10.0.0.1"},
		{"one client", "10.0.0.1:1", []string{"192.0.2.1"}, "192.0.2.1"},
		{"with its port", "10.0.0.1:1", []string{"192.0.2.1:4711"}, "192.0.2.1"},
		{"IPv6", "[2001:db8:f::1]:1", []string{"2001:db8::1"}, "2001:db8::1"},
		{"IPv6 with its port", "10.0.0.1:1", []string{"[2001:db8::1]:4711"}, "2001:db8::1"},
		{"IPv4 in IPv6", "[::ffff:10.0.0.1]:1", []string{"::ffff:192.0.2.1"}, "192.0.2.1"},
		{"what the client claims", "10.0.0.1:1", []string{"198.51.100.1, 192.0.2.1"}, "192.0.2.1"},
		{"a claim of a proxy's address", "10.0.0.1:1", []string{"10.0.0.9, 192.0.2.1"}, "192.0.2.1"},
		{"a claim in a header of its own", "10.0.0.1:1", []string{"198.51.100.1", "192.0.2.1"}, "192.0.2.1"},
		{"a claim that is none", "10.0.0.1:1", []string{"unknown, 192.0.2.1"}, "192.0.2.1"},
		{"two proxies", "10.0.0.1:1", []string{"198.51.100.1, 192.0.2.1, 10.0.0.2"}, "192.0.2.1"},
		{"two proxies, two headers", "10.0.0.1:1", []string{"192.0.2.1", "10.0.0.2"}, "192.0.2.1"},
		{"a client among the proxies", "10.0.0.1:1", []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3"},
		{"no address", "10.0.0.1:1", []string{"unknown"}, ""},
		{"no address before a proxy's", "10.0.0.1:1", []string{"192.0.2.1, _hidden, 10.0.0.2"}, ""},
		{"nothing between commas", "10.0.0.1:1", []string{"192.0.2.1, , 10.0.0.2"}, ""},
		{"nothing at the end", "10.0.0.1:1", []string{"192.0.2.1,"}, ""},
		{"no connection", "@", []string{"192.0.2.1"}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest("GET", "/", nil)
			r.RemoteAddr = tt.connection
			for _, h := range tt.header {
				r.Header.Add("X-Forwarded-For", h)
			}
			addr, ok := from(r)
			got := ""
			if ok {
				got = addr.String()
			}
			if got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

func TestNetworksByAnAddressThatIsNotKnown(t *testing.T) {
	check := guard.NetworksBy(guard.ForwardedFor(netip.MustParsePrefix("10.0.0.0/8")), netip.MustParsePrefix("0.0.0.0/0"))
	r := httptest.NewRequest("GET", "/", nil)
	r.RemoteAddr = "10.0.0.1:1"
	r.Header.Set("X-Forwarded-For", "unknown")
	if check(r, upstream.Request{}) == nil {
		t.Error("it is let in")
	}
}
