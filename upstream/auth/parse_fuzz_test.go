package auth_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/breakwater-go/breakwater/upstream/auth"
	"github.com/google/go-cmp/cmp"
)

// Whatever a netrc file holds, what is made of it is basic authentication, for a
// machine, a name and a password that are words of it.
func FuzzNetrc(f *testing.F) {
	for _, test := range oracleTests {
		if content := test.files["netrc"]; content != "" {
			f.Add(content)
		}
	}
	f.Add("machine A/b login a password b\nmachine a login c password d\ndefault\nmachine x")
	f.Fuzz(func(t *testing.T, content string) {
		words := strings.Fields(content)
		for machine, fields := range auth.NetrcTable(content) {
			user, password, ok := (&http.Request{Header: fields}).BasicAuth()
			if before, after, found := strings.Cut(user+":"+password, ":"); !ok || !found || before+after == "" {
				t.Errorf("%q is sent %v", machine, fields)
			}
			if len(fields) != 1 || strings.ContainsAny(fields.Get("Authorization"), "\r\n") {
				t.Errorf("%q is sent %v", machine, fields)
			}
			if !strings.Contains(strings.ToLower(strings.Join(words, " ")), strings.ToLower(machine)) {
				t.Errorf("%q is not in the file", machine)
			}
		}
	})
}

// What is accepted of a command's output can be a header, and reads the same
// when it is printed again.
func FuzzOutput(f *testing.F) {
	f.Add("https://example.com\nhttps://example.net/api/\n\nAuthorization: Basic x\n\nhttps://another-example.org/\n\nExample: Data\n\n")
	f.Add("https://a.example\n\n\n")
	f.Add("\n\n")
	f.Add("https://a.example/%2e%2E/b?c#d\n\nA: b\nA: \tc \n\n")
	f.Add("https://u:p@[::1]:8/\n\nX: \x00\n\n")
	f.Add("http://a.example\n\nX: y\r\n\n")
	f.Fuzz(func(t *testing.T, data string) {
		parsed, err := auth.ParseOutput(data)
		if err != nil {
			if parsed != nil || strings.ContainsAny(err.Error(), "\r\n\x00") {
				t.Errorf("%q: %v, %q", data, parsed, err)
			}
			return
		}
		var again strings.Builder
		for prefix, fields := range parsed {
			fmt.Fprintf(&again, "https://%s/\n\n", prefix)
			for name, values := range fields {
				for _, value := range values {
					if strings.ContainsAny(name+value, "\r\n\x00\x7f") {
						t.Errorf("%q: %q", name, value)
					}
					fmt.Fprintf(&again, "%s: %s\n", name, value)
				}
			}
			again.WriteString("\n")
		}
		reparsed, err := auth.ParseOutput(again.String())
		if diff := cmp.Diff(parsed, reparsed); diff != "" || err != nil {
			t.Errorf("printed again as %q: %v\n%s", again.String(), err, diff)
		}
	})
}

// git's output has its values to the end of the line.
func FuzzGit(f *testing.F) {
	f.Add("protocol=https\nhost=example.com\nusername=bob\npassword=secr3t\n")
	f.Add("url=https://example.com/a\nusername=a=b\npassword=\nhost=x\npath=../y")
	f.Add("host=\x00\npath=%\n=\n\n")
	f.Fuzz(func(t *testing.T, data string) {
		prefix, user, password := auth.ParseGit(data)
		if strings.ContainsAny(user+password, "\n") || strings.HasPrefix(prefix, "https://") && !strings.Contains(data, "https") {
			t.Errorf("%q: %q %q %q", data, prefix, user, password)
		}
	})
}
