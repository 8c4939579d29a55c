package cache

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"
)

func FuzzParseRecord(f *testing.F) {
	digest := Digest{1, 2, 3}.String()
	for _, seed := range []string{
		"",
		"null",
		"{}",
		"[]",
		"\x00\x00\x00\x00",
		`{"format":1}`,
		`{"format":1,"size":3,"changed":1700000000123456789,"sha256":"` + digest + `","fetched":"2024-01-01T00:00:00Z"}`,
		`{"format":1,"size":3,"changed":1,"sha256":"` + digest + `","fetched":"2024-01-01T00:00:00.000000001+23:59",` +
			`"modTime":"0000-01-01T00:00:00-23:59","origin":"\u2028<\ud800>","verified":"sumdb"}` + "\n",
		`{"format":1,"size":-3,"changed":1,"sha256":"` + digest + `","fetched":"2024-01-01T00:00:00Z"}`,
		`{"format":1,"size":1e3,"sha256":"` + digest + `"}`,
		`{"format":2,"size":3,"sha256":"` + digest + `"}`,
		`{"format":1,"size":3,"sha256":"00` + digest + `"}`,
		`{"format":1,"size":3,"sha256":"zz` + digest[2:] + `"}`,
		`{"FORMAT":1,"size":3,"sha256":"` + digest + `","unknown":[{}]}`,
		`{"format":1,"size":3,"sha256":"` + digest + `"`,
		`{"format":1,"size":3,"sha256":"` + digest + `"}{}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := parseRecord(data)
		if err != nil {
			if !errors.Is(err, errRecord) {
				t.Fatalf("the error is %v, which does not make a miss", err)
			}
			if r != (record{}) {
				t.Fatalf("a record that was refused is %+v", r)
			}
			return
		}
		if r.Size < 0 || r.meta().Digest.IsZero() != (r.SHA256 == Digest{}.String()) {
			t.Fatalf("accepted %+v", r)
		}
		first, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		again, err := parseRecord(first)
		if err != nil {
			t.Fatalf("accepted, but not when written again as %s: %v", first, err)
		}
		second, err := json.Marshal(again)
		if err != nil || !bytes.Equal(first, second) {
			t.Fatalf("written as %s, then as %s (%v)", first, second, err)
		}
		if got, want := again.meta(), r.meta(); got.Digest != want.Digest || !got.Fetched.Equal(want.Fetched) {
			t.Fatalf("meta is %+v, was %+v", got, want)
		}
	})
}
