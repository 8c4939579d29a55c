package verify_test

import (
	"crypto/ed25519"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/breakwater-go/breakwater/verify"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.org/x/mod/sumdb/note"
)

const (
	publicName = "sum.golang.org"
	publicKey  = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
	alias      = "sum.golang.google.cn"
)

// keyOf returns a verifier key for a database of that name.
func keyOf(t testing.TB, name string) string {
	t.Helper()
	key, err := note.NewEd25519VerifierKey(name, make(ed25519.PublicKey, ed25519.PublicKeySize))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// goDial is the go command's dbDial (cmd/go/internal/modfetch/sumdb.go): the
// database's name, and the URL if one is given.
func goDial(gosumdb string) (name, base string, ok bool) {
	if gosumdb == alias {
		gosumdb = publicName + " https://" + alias
	}
	if gosumdb == "off" {
		return "", "", false
	}
	key := strings.Fields(gosumdb)
	if len(key) >= 1 && key[0] == publicName {
		key[0] = publicKey
	}
	if len(key) == 0 || len(key) > 2 {
		return "", "", false
	}
	vkey, err := note.NewVerifier(key[0])
	if err != nil {
		return "", "", false
	}
	name = vkey.Name()
	direct, err := url.Parse("https://" + name)
	if err != nil || strings.HasSuffix(name, "/") || *direct != (url.URL{Scheme: "https", Host: direct.Host, Path: direct.Path, RawPath: direct.RawPath}) || direct.RawPath != "" || direct.Host == "" {
		return "", "", false
	}
	if len(key) >= 2 {
		u, err := url.Parse(key[1])
		if err != nil {
			return "", "", false
		}
		base = u.String()
	}
	return name, base, true
}

// GOSUMDB means what it means to the go command.
func TestParseGOSUMDB(t *testing.T) {
	private := keyOf(t, "sum.example")
	at := func(name string) *verify.Database { return &verify.Database{Name: name, URL: "https://" + name} }
	fixed := func(name, url string) *verify.Database { return &verify.Database{Name: name, URL: url, Fixed: true} }
	for _, test := range []struct {
		value string
		want  *verify.Database
	}{
		{publicName, at(publicName)},
		{publicKey, at(publicName)},
		{alias, fixed(publicName, "https://"+alias)},
		{publicName + " https://mirror.example/sumdb", fixed(publicName, "https://mirror.example/sumdb")},
		{publicKey + " https://mirror.example", fixed(publicName, "https://mirror.example")},
		{"  " + publicName + "\thttps://mirror.example \n", fixed(publicName, "https://mirror.example")},
		{private, at("sum.example")},
		{private + " http://localhost:8080/db", fixed("sum.example", "http://localhost:8080/db")},
		{keyOf(t, "sum.example:8443"), at("sum.example:8443")},
		{keyOf(t, "corp.example/go/sum"), at("corp.example/go/sum")},
		{"off", nil},
	} {
		t.Run(test.value, func(t *testing.T) {
			got, err := verify.ParseGOSUMDB(test.value)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got, cmpopts.IgnoreUnexported(verify.Database{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			name, base, ok := goDial(test.value)
			if test.want == nil {
				if ok {
					t.Error("to the go command it is not off")
				}
				return
			}
			if !ok || name != test.want.Name || base != "" != test.want.Fixed || test.want.Fixed && base != test.want.URL {
				t.Errorf("the go command says %q, %q, %v", name, base, ok)
			}
		})
	}
}

// What the go command refuses is refused. So are a few names that it accepts,
// but for which no path of the protocol can be made.
func TestParseGOSUMDBRefuses(t *testing.T) {
	hash := strings.Repeat("x", 8)
	for _, test := range []struct {
		name, value string
		goAccepts   bool
	}{
		{"empty", "", false},
		{"blank", " \t", false},
		{"off with a URL", "off https://sum.example", false},
		{"off with a blank", " off", false},
		{"unknown name", "sum.example", false},
		{"URL only", "https://sum.golang.org", false},
		{"alias with a URL", alias + " https://mirror.example", false},
		{"alias with a blank", " " + alias, false},
		{"three fields", publicName + " https://a.example https://b.example", false},
		{"a URL that is none", publicName + " http://[::1", false},
		{"a key with a part missing", "sum.golang.org+033de0ae", false},
		{"a key with another hash", strings.Replace(publicKey, "033de0ae", "033de0af", 1), false},
		{"a key of another name", strings.Replace(publicKey, "sum.golang.org", "sum.example", 1), false},
		{"a key that is no base64", "sum.example+033de0ae+" + hash, false},
		{"a key that is cut off", publicKey[:len(publicKey)-4], false},
		{"a name with a slash at the end", keyOf(t, "sum.example/"), false},
		{"a name with a query", keyOf(t, "sum.example?x"), false},
		{"a name with a fragment", keyOf(t, "sum.example#x"), false},
		{"a name with a user", keyOf(t, "user@sum.example"), false},
		{"a name without a host", keyOf(t, "/sum"), false},
		{"a name with an escaped slash", keyOf(t, "sum.example/a%2Fb"), false},
		{"a name with a bad escape", keyOf(t, "sum.example/%zz"), false},
		{"a name with an escaped blank", keyOf(t, "sum.example/a%20b"), true},
		{"a name that goes up", keyOf(t, "sum.example/../x"), true},
		{"a name with an empty element", keyOf(t, "sum.example//x"), true},
		{"a name that reads as a resource", keyOf(t, "sum.example/lookup/x"), true},
	} {
		t.Run(test.name, func(t *testing.T) {
			db, err := verify.ParseGOSUMDB(test.value)
			if err == nil {
				t.Fatalf("it is accepted: %+v", db)
			}
			if !strings.Contains(err.Error(), "GOSUMDB") {
				t.Errorf("the error does not name the variable: %v", err)
			}
			if _, _, ok := goDial(test.value); ok != test.goAccepts {
				t.Errorf("the go command accepts it: %v", ok)
			}
		})
	}
}

// The error for a URL shows nothing of it: it may hold a password.
func TestParseGOSUMDBHidesPasswords(t *testing.T) {
	_, err := verify.ParseGOSUMDB(fmt.Sprintf("%s https://me:%s@[::1", publicName, "secret"))
	if err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("error is %v", err)
	}
}
