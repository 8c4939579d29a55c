package fetch_test

import (
	"strings"
	"testing"

	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/fetch/internal/origin"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/verify"
)

// What a go.sum file lists is decided by it, whatever the database says or is
// exempt from saying; what it does not list depends on where it stands.
func TestGoSum(t *testing.T) {
	const listed, unlisted = "example.com/hello/@v/v1.0.0.mod", "example.com/app/@v/v1.0.0.mod"
	o := newOrigin(t)
	hash, err := verify.HashMod(strings.NewReader(string(o.File(listed))))
	if err != nil {
		t.Fatal(err)
	}
	goSum := func(hash string) *verify.GoSum {
		g, err := verify.ParseGoSum("go.sum", []byte("example.com/hello v1.0.0/go.mod "+hash+"\n"))
		if err != nil {
			t.Fatal(err)
		}
		return g
	}
	right, wrong := goSum(hash), goSum("h1:wrong=")
	const served = upstream.Class(255)
	tests := []struct {
		name             string
		opts             fetch.Options
		sumDB, private   string
		databaseDown     bool
		listed, unlisted upstream.Class
	}{
		{"before the database", fetch.Options{GoSum: right}, o.VerifierKey, "", false, served, served},
		{"while the database is down", fetch.Options{GoSum: right}, o.VerifierKey, "", true, served, upstream.Unavailable},
		{"against the database", fetch.Options{GoSum: wrong}, o.VerifierKey, "", false, upstream.Untrusted, served},
		{"without a database", fetch.Options{GoSum: right}, "off", "", false, served, served},
		{"wrong, without a database", fetch.Options{GoSum: wrong}, "off", "", false, upstream.Untrusted, served},
		{"of private modules", fetch.Options{GoSum: wrong}, o.VerifierKey, "example.com", true, upstream.Untrusted, served},
		{"alone", fetch.Options{Verifier: right}, o.VerifierKey, "", true, served, upstream.Denied},
		{"alone, of private modules", fetch.Options{Verifier: right}, o.VerifierKey, "example.com", true, served, upstream.Denied},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o.Fail(nil)
			if tt.databaseDown {
				o.Fail(failDatabase(origin.Status(500)))
			}
			opts := tt.opts
			opts.Go = &fetch.GoSettings{GOPROXY: serve(t, o), GOSUMDB: tt.sumDB, GONOSUMDB: tt.private}
			c := newClient(t, opts)
			for key, want := range map[string]upstream.Class{listed: tt.listed, unlisted: tt.unlisted} {
				req, err := upstream.ParsePath("/" + key)
				if err != nil {
					t.Fatal(err)
				}
				for range 2 { // cold and warm
					_, err := upstream.ReadAll(t.Context(), c, req)
					got := served
					if err != nil {
						got = upstream.ClassOf(err)
					}
					if got != want {
						t.Errorf("%s: %v (%v), want %v", key, got, err, want)
					}
				}
			}
		})
	}
}

// What was verified by several go.sum files together is taken from the cache by the next
// process that has the same files: the source is asked once.
func TestGoSumsOfSeveralFiles(t *testing.T) {
	o := newOrigin(t)
	right := goSumOf(t, o, "example.com/hello", "v1.0.0")
	wrong, err := verify.ParseGoSum("wrong/go.sum", []byte("example.com/hello v1.0.0/go.mod h1:wrong=\nexample.com/hello v1.0.0 h1:wrong=\n"))
	if err != nil {
		t.Fatal(err)
	}
	for name, sums := range map[string]*verify.GoSum{
		"the same hash in both": verify.JoinGoSums(right, goSumOf(t, o, "example.com/hello", "v1.0.0")),
		"one has another hash":  verify.JoinGoSums(wrong, right),
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for i, offline := range []bool{false, true} {
				c, err := fetch.New(&fetch.Options{
					Go:       &fetch.GoSettings{GOPROXY: serve(t, o), GOSUMDB: "off"},
					CacheDir: dir, MemoryBytes: -1, Offline: offline, GoSum: sums,
				})
				if err != nil {
					t.Fatal(err)
				}
				for _, kind := range []upstream.Kind{upstream.Mod, upstream.Zip} {
					if _, err := upstream.ReadAll(t.Context(), c, request(t, kind, "example.com/hello", "v1.0.0")); err != nil {
						t.Errorf("process %d: %v", i, err)
					}
				}
				c.Close()
			}
		})
	}
}
