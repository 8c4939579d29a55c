package upstream_test

import (
	"strings"
	"testing"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
)

const (
	comma = false
	pipe  = true
)

// The expectations are those of cmd/go/internal/modfetch/proxy.go, proxyList.
func TestParseGOPROXY(t *testing.T) {
	tests := []struct {
		list string
		want []upstream.Entry // nil: refused
	}{
		{"https://proxy.example,direct", []upstream.Entry{{"https://proxy.example", comma}, {"direct", comma}}},
		{"https://a.example|https://b.example,off", []upstream.Entry{{"https://a.example", pipe}, {"https://b.example", comma}, {"off", comma}}},
		{"direct", []upstream.Entry{{"direct", comma}}},
		{"off", []upstream.Entry{{"off", comma}}},

		// Nothing comes after direct and off, not even what could not be read.
		{"direct,https://proxy.example", []upstream.Entry{{"direct", comma}}},
		{"off,nonsense", []upstream.Entry{{"off", comma}}},
		{"https://a.example,direct,ftp://b.example", []upstream.Entry{{"https://a.example", comma}, {"direct", comma}}},

		// Spaces and empty entries.
		{" https://a.example , off ", []upstream.Entry{{"https://a.example", comma}, {"off", comma}}},
		{",,https://a.example,|,", []upstream.Entry{{"https://a.example", comma}}},
		{"https://a.example|,https://b.example", []upstream.Entry{{"https://a.example", pipe}, {"https://b.example", comma}}},
		{"https://a.example,|https://b.example", []upstream.Entry{{"https://a.example", comma}, {"https://b.example", comma}}},
		{"\t\nhttps://a.example|", []upstream.Entry{{"https://a.example", pipe}}},
		{"", nil},
		{" ", nil},
		{",", nil},
		{"| ,", nil},

		// A host alone gets a scheme; a single word is reserved.
		{"proxy.example", []upstream.Entry{{"https://proxy.example", comma}}},
		{"proxy.example/path", []upstream.Entry{{"https://proxy.example/path", comma}}},
		{"localhost:8080", []upstream.Entry{{"https://localhost:8080", comma}}},
		{"localhost/x", []upstream.Entry{{"https://localhost/x", comma}}},
		{"user:pw@proxy.example", []upstream.Entry{{"https://user:pw@proxy.example", comma}}},
		{"localhost", nil},
		{"noproxy", nil},
		{"Direct", nil},
		{"/abs/path", nil},

		// Schemes.
		{"http://proxy.example", []upstream.Entry{{"http://proxy.example", comma}}},
		{"HTTPS://proxy.example", []upstream.Entry{{"HTTPS://proxy.example", comma}}},
		{"file:///var/proxy", []upstream.Entry{{"file:///var/proxy", comma}}},
		{"file:///C:/proxy", []upstream.Entry{{"file:///C:/proxy", comma}}},
		{"file://host/proxy", nil},
		{"file:///var/proxy?x", nil},
		{"file:///var/proxy#x", nil},
		{"ftp://proxy.example", nil},
		{"c:/proxy", nil},
		{"https://", nil},
		{"https:///path", nil},
		{"https://proxy.example:port", nil},
		{"https://proxy.example/%zz", nil},
		{"https://a.example,https://b example", nil},
	}
	for _, test := range tests {
		got, err := upstream.ParseGOPROXY(test.list)
		if diff := cmp.Diff(test.want, got); diff != "" || (err == nil) != (test.want != nil) {
			t.Errorf("ParseGOPROXY(%q): error %v, entries (-want +got):\n%s", test.list, err, diff)
		}
	}
}

// credentials are typed wrongly more often than rightly.
var mistyped = []string{
	"ftp://user:hunter2@proxy.example",
	"file://user:hunter2@proxy.example/x",
	"https:/user:hunter2@proxy.example",
	"https:///user:hunter2@proxy.example",
	"https:user:hunter2:/@proxy.example",
	"/user:hunter2@proxy.example",
	"user:hunter2:/@proxy.example",
	"https://user:hunter2/@proxy.example",
	"https://user:/hunter2@proxy.example",
	"https://user:hunter2?@proxy.example",
	"https://user:hunter2#@proxy.example",
	"https://user:hunter2 @proxy.example",
	"https://user:hunter2%zz@proxy.example",
	"https://user:hunter2%hunter2@proxy.example",
	"https://user:%hunter2@proxy.example",
	"https://user:hunter2@proxy.example:port",
	"https://user:hunter2@proxy.example:hunter2",
	"http://user:hunter2@proxy.example",
	"https://user:hunter2@proxy.example/?x",
	"https://proxy.example/?token=hunter2",
	"https://proxy.example/#hunter2",
	"https://user:hunter2@[::1",
	"https://user:hunter2@proxy.example/\x7f",
	"https:/user:hunter2?@proxy.example",
	"https:/user:hunter2#@proxy.example",
	"https:user:hunter2?hunter2@proxy.example",
}

func TestGOPROXYErrorsHoldNoCredential(t *testing.T) {
	for _, list := range mistyped {
		u, err := upstream.NewGOPROXY(list, nil)
		if err != nil {
			if strings.Contains(err.Error(), "hunter2") || !isPrintable(err.Error()) {
				t.Errorf("NewGOPROXY(%q): the error says %q", list, err)
			}
			continue
		}
		for _, s := range upstream.Sources(u) {
			if strings.Contains(upstream.Name(s), "hunter2") {
				t.Errorf("NewGOPROXY(%q): a source is named %q", list, upstream.Name(s))
			}
		}
	}
}

func TestNewGOPROXYSources(t *testing.T) {
	u, err := upstream.NewGOPROXY("https://u:pw@proxy.example/x/|mirror.example,file:///var/proxy,direct", nil)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, s := range upstream.Sources(u) {
		names = append(names, upstream.Name(s))
	}
	want := []string{"https://xxxxx@proxy.example/x/", "https://mirror.example", "file:///var/proxy", "direct"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("sources (-want +got):\n%s", diff)
	}
	for _, bad := range []string{"", "nonsense", "https://proxy.example?q", "http://u:pw@proxy.example"} {
		if _, err := upstream.NewGOPROXY(bad, nil); err == nil {
			t.Errorf("NewGOPROXY(%q) gives no error", bad)
		}
	}
}

// What was read can be written and read again, and an error never repeats what
// stands before an "@", where a password would be.
func FuzzParseGOPROXY(f *testing.F) {
	for _, list := range mistyped {
		f.Add(list)
	}
	f.Add("https://a.example|b.example,file:///x,direct")
	f.Add(" off ")
	f.Fuzz(func(t *testing.T, list string) {
		entries, err := upstream.ParseGOPROXY(list)
		if err != nil {
			for entry := range strings.FieldsFuncSeq(list, func(r rune) bool { return r == ',' || r == '|' }) {
				before, _, ok := cutLast(entry, "@")
				_, password, hasPassword := strings.Cut(before, ":")
				password = strings.TrimLeft(password, "/")
				if ok && hasPassword && len(password) > 12 && strings.Contains(err.Error(), password) {
					t.Errorf("the error repeats %q: %v", password, err)
				}
			}
			return
		}
		again, err := upstream.ParseGOPROXY(join(entries))
		if diff := cmp.Diff(entries, again); diff != "" || err != nil {
			t.Errorf("read again from %q: error %v (-first +second):\n%s", join(entries), err, diff)
		}
	})
}

func join(entries []upstream.Entry) string {
	var b strings.Builder
	for _, e := range entries {
		b.WriteString(e.URL)
		if e.OnAnyError {
			b.WriteByte('|')
		} else {
			b.WriteByte(',')
		}
	}
	return b.String()
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}
