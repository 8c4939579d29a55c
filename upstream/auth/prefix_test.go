package auth_test

import (
	"context"
	"net/url"
	"testing"

	"github.com/breakwater-go/breakwater/upstream/auth"
)

func TestPrefix(t *testing.T) {
	tests := []struct {
		prefix, url string
		want        bool
	}{
		{"proxy.example", "https://proxy.example", true},
		{"proxy.example", "https://proxy.example/", true},
		{"proxy.example", "https://proxy.example/a/@v/list", true},
		{"proxy.example", "https://proxy.example?x", true},
		{"https://proxy.example/", "https://proxy.example/a", true},
		{"Proxy.Example", "https://PROXY.example/a", true},
		{"http://127.0.0.1:80", "http://127.0.0.1:80/a", true},
		{"[::1]:80", "http://[::1]:80/a", true},
		{"proxy.example", "https://proxy.example:443/a", false},
		{"proxy.example:443", "https://proxy.example/a", false},
		{"proxy.example", "https://proxy.example.evil.example/a", false},
		{"proxy.example", "https://a.proxy.example/a", false},
		{"proxy.example", "https://example/proxy.example", false},
		{"proxy.example", "https://evil.example/@proxy.example/", false},
		{"proxy.example/a", "https://proxy.example/a", true},
		{"proxy.example/a", "https://proxy.example/a/", true},
		{"proxy.example/a/", "https://proxy.example/a", true},
		{"proxy.example/a", "https://proxy.example/a/b", true},
		{"proxy.example/a", "https://proxy.example/ab", false},
		{"proxy.example/a", "https://proxy.example/A", false},
		{"proxy.example/a", "https://proxy.example/", false},
		{"proxy.example/a%2Fb", "https://proxy.example/a%2Fb/c", true},
		{"proxy.example/a", "https://proxy.example/a%2Fb/c", false},
		{"proxy.example/a", "https://proxy.example/a/../b", false},
		{"proxy.example/a", "https://proxy.example/a/%2e%2E/b", false},
		{"proxy.example/a", "https://proxy.example/a/..%2fb", false},
		{"proxy.example/a", `https://proxy.example/a/..%5cb`, false},
		{"proxy.example", "https://proxy.example/a/../b", true},
		{"proxy.example/a", "https://proxy.example/a/..b", true},
	}
	for _, test := range tests {
		c, err := auth.Bearer(func(context.Context) (string, error) { return "x", nil }, "other.example/a", test.prefix)
		if err != nil {
			t.Errorf("%q: %v", test.prefix, err)
			continue
		}
		if got := authorization(t, c, test.url); (got != "") != test.want {
			t.Errorf("%q, %s: sent %q", test.prefix, test.url, got)
		}
	}
}

// No URL of a request has such a path, but a caller can make one.
func TestPrefixOfOddPath(t *testing.T) {
	c := must(t)(auth.Bearer(giving("x"), "proxy.example"))
	if _, err := c.Header(t.Context(), &url.URL{Scheme: "https", Host: "proxy.example", Path: "a"}); err != nil {
		t.Error(err)
	}
}

func TestPrefixRefused(t *testing.T) {
	for _, prefixes := range [][]string{
		nil, {""}, {"/"}, {"https://"}, {":80"}, {"https:///a"}, {"a:b"}, {"proxy.example?x"}, {"proxy.example?"}, {"proxy.example#x"},
		{"proxy.example/a/../b"}, {"proxy.example/%2e%2e"}, {"proxy.example//a"}, {"proxy.example", "alice:hunter2@proxy.example"},
		{"alice:hunter2@proxy.example:x"}, {"ftp://proxy.example"},
	} {
		_, err := auth.Bearer(func(context.Context) (string, error) { return "x", nil }, prefixes...)
		if err == nil {
			t.Errorf("%q is a prefix", prefixes)
		} else if contains(err.Error(), "hunter2") {
			t.Errorf("error says %v", err)
		}
	}
}
