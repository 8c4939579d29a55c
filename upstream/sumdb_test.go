package upstream_test

import (
	"errors"
	"io/fs"
	"net/http"
	"strings"
	"testing"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
)

// A checksum database's own server has its resources at its root, where a module
// proxy has them below /sumdb/ and the database's name.
func TestNewSumDB(t *testing.T) {
	for _, test := range []struct {
		name, base, key, url string
	}{
		{"latest", "https://sum.example", "sumdb/sum.example/latest", "https://sum.example/latest"},
		{"a look-up", "https://sum.example", "sumdb/sum.example/lookup/github.com/!burnt!sushi/toml@v1.5.0", "https://sum.example/lookup/github.com/%21burnt%21sushi/toml@v1.5.0"},
		{"a look-up of an incompatible version", "https://sum.example", "sumdb/sum.example/lookup/a.example/m@v2.0.0+incompatible", "https://sum.example/lookup/a.example/m@v2.0.0+incompatible"},
		{"a tile", "https://sum.example", "sumdb/sum.example/tile/8/0/x001/234", "https://sum.example/tile/8/0/x001/234"},
		{"a partial tile", "https://sum.example", "sumdb/sum.example/tile/8/1/000.p/17", "https://sum.example/tile/8/1/000.p/17"},
		{"a path in the URL", "https://mirror.example/go/sum/", "sumdb/sum.example/latest", "https://mirror.example/go/sum/latest"},
		{"an escaped path in the URL", "https://mirror.example/a%2Fb", "sumdb/sum.example/latest", "https://mirror.example/a%2Fb/latest"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var asked []string
			u := newSumDB(t, test.base, func(r *http.Request) (*http.Response, error) {
				asked = append(asked, r.Method+" "+r.URL.String())
				return answer(r, 200, "the answer"), nil
			})
			resp, err := u.Fetch(t.Context(), request(t, test.key))
			if err != nil {
				t.Fatal(err)
			}
			if got, err := readBody(resp); err != nil || got != "the answer" {
				t.Errorf("body is %q, %v", got, err)
			}
			unescape := strings.NewReplacer("%21", "!") // either will do
			for i := range asked {
				asked[i] = unescape.Replace(asked[i])
			}
			if diff := cmp.Diff([]string{"GET " + unescape.Replace(test.url)}, asked); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
			if resp.Source != upstream.Name(u) || resp.Source != test.base {
				t.Errorf("source is %q, name is %q", resp.Source, upstream.Name(u))
			}
		})
	}
}

// newSumDB returns a source for the database sum.example.
func newSumDB(t testing.TB, base string, rt roundTrip) upstream.Upstream {
	t.Helper()
	u, err := upstream.NewSumDB("sum.example", base, &upstream.HTTPOptions{Transport: rt})
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// What the database's server cannot have is absent without its being asked: it
// does not say what it supports, and other names must not reach it.
func TestNewSumDBDoesNotAsk(t *testing.T) {
	u := newSumDB(t, "https://sum.example", func(r *http.Request) (*http.Response, error) {
		t.Errorf("it is asked for %s", r.URL)
		return answer(r, 200, ""), nil
	})
	for _, key := range []string{
		"sumdb/sum.example/supported",
		"sumdb/other.example/supported",
		"sumdb/other.example/latest",
		"sumdb/other.example/lookup/a.example/m@v1.0.0",
		"sumdb/other.example/tile/8/0/000",
		"sumdb/sum.example/x/latest",
		"sumdb/sum.example:443/latest",
		"a.example/m/@v/list", "a.example/m/@latest", "a.example/m/@v/v1.0.0.info", "a.example/m/@v/v1.0.0.mod", "a.example/m/@v/v1.0.0.zip",
	} {
		_, err := u.Fetch(t.Context(), request(t, key))
		if e := wantError(t, err, upstream.NotFound); !errors.Is(err, fs.ErrNotExist) || e.Request.Key() != key || e.Source != "https://sum.example" {
			t.Errorf("%s: request %q, source %q: %v", key, e.Request, e.Source, err)
		}
	}
	if _, err := u.Fetch(t.Context(), upstream.Request{}); err == nil {
		t.Error("the zero Request is answered")
	}
}

// Its failures are those of any HTTP source.
func TestNewSumDBErrors(t *testing.T) {
	for status, class := range map[int]upstream.Class{
		404: upstream.NotFound, 410: upstream.NotFound, 403: upstream.Denied, 429: upstream.Unavailable, 500: upstream.Unavailable, 504: upstream.Timeout,
	} {
		u := newSumDB(t, "https://sum.example", always(status, "why", "Content-Type", "text/plain"))
		_, err := u.Fetch(t.Context(), request(t, "sumdb/sum.example/lookup/a.example/m@v1.0.0"))
		if e := wantError(t, err, class); e.Status != status || e.Text != "why" {
			t.Errorf("status %d: %+v", status, e)
		}
	}
	_, err := newSumDB(t, "https://sum.example", refused).Fetch(t.Context(), request(t, "sumdb/sum.example/latest"))
	wantError(t, err, upstream.Unavailable)
	_, err = newSumDB(t, "https://sum.example", refused).Fetch(upstream.WithOffline(t.Context()), request(t, "sumdb/sum.example/latest"))
	if !errors.Is(err, upstream.ErrOffline) {
		t.Errorf("offline: %v", err)
	}
}

func TestNewSumDBRefuses(t *testing.T) {
	for _, test := range []struct{ name, base string }{
		{"", "https://sum.example"},
		{"sum.example/", "https://sum.example"},
		{"sum.example/../x", "https://sum.example"},
		{"sum.example/latest", "https://sum.example"},
		{"sum example", "https://sum.example"},
		{"sum.example", ""},
		{"sum.example", "ftp://sum.example"},
		{"sum.example", "file:///srv"},
		{"sum.example", "https://sum.example?x=y"},
		{"sum.example", "http://me:secret@sum.example"},
	} {
		u, err := upstream.NewSumDB(test.name, test.base, nil)
		if err == nil {
			t.Errorf("%q at %q is accepted: %v", test.name, test.base, upstream.Name(u))
		} else if strings.Contains(err.Error(), "secret") {
			t.Errorf("%q at %q: the error shows the password: %v", test.name, test.base, err)
		}
	}
}
