package cli_test

import (
	"strings"
	"testing"

	"github.com/breakwater-go/breakwater/examples/modget/internal/cli"
	"github.com/google/go-cmp/cmp"
)

// Flags may be written with one dash, but for what is a group of one-letter flags, a
// number, or behind a "--".
func TestOneDash(t *testing.T) {
	for _, test := range []struct{ args, want string }{
		{"list -json example.com/hello", "list --json example.com/hello"},
		{"list --json", "list --json"},
		{"-goproxy=https://proxy.example list", "--goproxy=https://proxy.example list"},
		{"-q list", "-q list"},
		{"-qv list", "-qv list"},
		{"-q=false", "-q=false"},
		{"-j4 -j=4 -qj4", "-j4 -j=4 -qj4"},
		{"-jobs 4", "--jobs 4"},
		{"-quiet", "--quiet"},
		{"-timeout -5s", "--timeout -5s"},
		{"-help", "--help"},
		{"-h", "-h"},
		{"warm -", "warm -"},
		{"list -- -json", "list -- -json"},
		{"-bogus", "--bogus"},
	} {
		got := cli.GoStyle(strings.Fields(test.args)...)
		if diff := cmp.Diff(strings.Fields(test.want), got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", test.args, diff)
		}
	}
}

// What is printed for a shell is one word to it.
func TestQuote(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"https://proxy.example/go", "https://proxy.example/go"},
		{"https://a.example|direct", "'https://a.example|direct'"},
		{"*.corp.example", "'*.corp.example'"},
		{"$(rm)", "'$(rm)'"},
		{"it's", `'it'\''s'`},
		{"a b", "'a b'"},
	} {
		if got := cli.Quote(test.text); got != test.want {
			t.Errorf("%s: %s, want %s", test.text, got, test.want)
		}
	}
}

// What may be a password is not repeated.
func TestDiscreet(t *testing.T) {
	for _, test := range []struct{ arg, want string }{
		{"proxy.example", "proxy.example"},
		{"ftp://proxy.example", "ftp://proxy.example"},
		{"http://ann:secret@proxy.example", "http://...@proxy.example"},
		{"http://ann:se@cret@proxy.example", "http://...@proxy.example"},
		{"http://ann:sec/ret@%zz", "http://...@%zz"},
		{"ann:secret@proxy.example", "...@proxy.example"},
		{"https://proxy.example/?token=secret", "https://proxy.example/..."},
		{"https://proxy.example/#secret", "https://proxy.example/..."},
	} {
		if got := cli.Discreet(test.arg); got != test.want {
			t.Errorf("%s: %s, want %s", test.arg, got, test.want)
		}
	}
}
