package upstream_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/semver"
)

var (
	january = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	origin  = json.RawMessage(`{"VCS":"git","URL":"https://git.example/a"}`)
)

func TestParseMetadata(t *testing.T) {
	const exact, query, latest = "a.b/c/@v/v1.0.0.info", "a.b/c/@v/master.info", "a.b/c/@latest"
	good := upstream.Metadata{Version: "v1.0.0"}
	tests := []struct {
		key, data string
		want      upstream.Metadata // zero: refused
	}{
		{exact, `{"Version":"v1.0.0"}`, good},
		{exact, `{"Version":"v1.0.0","Time":"2026-01-02T03:04:05Z"}`, upstream.Metadata{Version: "v1.0.0", Time: january}},
		{exact, `{"Version":"v1.0.0","Origin":{"VCS":"git","URL":"https://git.example/a"}}`, upstream.Metadata{Version: "v1.0.0", Origin: origin}},
		{exact, `{"Version":"v1.0.0","Unknown":[1]}` + "\n", good},
		{exact, `{"Version":"v1.0.1"}`, upstream.Metadata{}},
		{exact, `{"Version":"v1.0.0+incompatible"}`, upstream.Metadata{}},
		{query, `{"Version":"v1.0.1"}`, upstream.Metadata{Version: "v1.0.1"}},
		{query, `{"Version":"v0.0.0-20260102030405-abcdef123456"}`, upstream.Metadata{Version: "v0.0.0-20260102030405-abcdef123456"}},
		{query, `{"Version":"v2.0.0+incompatible"}`, upstream.Metadata{Version: "v2.0.0+incompatible"}},
		{query, `{"Version":"master"}`, upstream.Metadata{}},
		{latest, `{"Version":"v1.0.0"}`, good},
		{latest, `{"Version":"v1"}`, upstream.Metadata{}},
		{latest, `{"Version":"1.0.0"}`, upstream.Metadata{}},
		{latest, `{"Version":"v1.0.0+meta"}`, upstream.Metadata{}},
		{latest, `{"Version":""}`, upstream.Metadata{}},
		{latest, `{}`, upstream.Metadata{}},
		{latest, `null`, upstream.Metadata{}},
		{latest, ``, upstream.Metadata{}},
		{latest, `"v1.0.0"`, upstream.Metadata{}},
		{latest, `[{"Version":"v1.0.0"}]`, upstream.Metadata{}},
		{latest, `{"Version":"v1.0.0"`, upstream.Metadata{}},
		{latest, `{"Version":"v1.0.0"}{}`, upstream.Metadata{}},
		{latest, `{"Version":"v1.0.0","Time":"yesterday"}`, upstream.Metadata{}},
		{latest, `<html>sign in</html>`, upstream.Metadata{}},
	}
	for _, test := range tests {
		got, err := upstream.ParseMetadata(request(t, test.key), []byte(test.data))
		if diff := cmp.Diff(test.want, got); diff != "" || (err != nil) != (test.want.Version == "") {
			t.Errorf("%s: %s: error %v, metadata (-want +got):\n%s", test.key, test.data, err, diff)
		}
	}
}

func TestParseList(t *testing.T) {
	tests := []struct {
		data string
		want []upstream.Listed
		bad  bool
	}{
		{data: ""},
		{data: "\n \n"},
		{data: "v1.0.0\nv1.1.0\n", want: []upstream.Listed{{Version: "v1.0.0"}, {Version: "v1.1.0"}}},
		{data: "v1.0.0\r\nv1.1.0", want: []upstream.Listed{{Version: "v1.0.0"}, {Version: "v1.1.0"}}},
		{data: "v1.1.0\nv1.0.0\nv1.1.0\n", want: []upstream.Listed{{Version: "v1.1.0"}, {Version: "v1.0.0"}, {Version: "v1.1.0"}}},
		{data: "v1.0.0 2026-01-02T03:04:05Z\n", want: []upstream.Listed{{Version: "v1.0.0", Time: january}}},
		{data: "v1.0.0 yesterday more\n", want: []upstream.Listed{{Version: "v1.0.0"}}},
		{data: "v2.0.0+incompatible\nv1\n", want: []upstream.Listed{{Version: "v2.0.0+incompatible"}, {Version: "v1"}}},
		{data: "# comment\nv1.0.0\nmaster\n", want: []upstream.Listed{{Version: "v1.0.0"}}},
		{data: "not found\n", bad: true},
		{data: "<html>v1.0.0</html>", bad: true},
		{data: "<!doctype html>\nv1.0.0\n", bad: true},
		{data: "{\"error\":1}", bad: true},
		{data: "v1.0.0\n{\n", bad: true},
		{data: "v1.0.0\x00\n", bad: true},
		{data: "v1.0.0\n\x1b[31m\n", bad: true},
		{data: "PK\x03\x04\xff", bad: true},
	}
	for _, test := range tests {
		got, err := upstream.ParseList([]byte(test.data))
		if diff := cmp.Diff(test.want, got); diff != "" || (err != nil) != test.bad {
			t.Errorf("%q: error %v, list (-want +got):\n%s", test.data, err, diff)
		}
	}
}

func FuzzParseList(f *testing.F) {
	f.Add([]byte("v1.0.0\nv1.1.0 2026-01-02T03:04:05Z\n"))
	f.Add([]byte("<html>"))
	f.Add([]byte("\n\n"))
	f.Add([]byte("v1\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		list, err := upstream.ParseList(data)
		if err != nil && list != nil {
			t.Error("a list beside an error")
		}
		var plain []byte
		for _, l := range list {
			if !semver.IsValid(l.Version) {
				t.Errorf("%q is not a version", l.Version)
			}
			plain = append(plain, l.Version...)
			plain = append(plain, '\n')
		}
		again, err := upstream.ParseList(plain)
		if err != nil || len(again) != len(list) {
			t.Errorf("the same versions give %d in place of %d, error %v", len(again), len(list), err)
		}
	})
}

func FuzzParseMetadata(f *testing.F) {
	f.Add("a.b/c/@v/v1.0.0.info", []byte(`{"Version":"v1.0.0","Time":"2026-01-02T03:04:05Z","Origin":{"VCS":"git"}}`))
	f.Add("a.b/c/@v/master.info", []byte(`{"Version":"v0.0.0-20260102030405-abcdef123456"}`))
	f.Add("a.b/c/@latest", []byte(`{"Version":"v2.0.0+incompatible","Origin":null}`))
	f.Add("a.b/c/@latest", []byte(`<html>`))
	f.Fuzz(func(t *testing.T, key string, data []byte) {
		req, err := upstream.ParsePath("/" + key)
		if err != nil {
			return
		}
		m, err := upstream.ParseMetadata(req, data)
		if err != nil {
			if diff := cmp.Diff(upstream.Metadata{}, m); diff != "" {
				t.Errorf("metadata beside an error: %s", diff)
			}
			return
		}
		if req.Kind() == upstream.Info && req.Immutable() && m.Version != req.Version() {
			t.Errorf("metadata of %s for %s", m.Version, req.Version())
		}
		again, err := json.Marshal(m)
		if err != nil {
			t.Fatalf("cannot be written again: %v", err)
		}
		if m2, err := upstream.ParseMetadata(req, again); err != nil || m2.Version != m.Version || !m2.Time.Equal(m.Time) {
			t.Errorf("written as %s it reads as %+v, error %v", again, m2, err)
		}
	})
}
