package guard_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/fetch/guard"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
)

// sent returns a request with these Authorization headers.
func sent(headers ...string) *http.Request {
	r := httptest.NewRequest("GET", "/", nil)
	for _, h := range headers {
		r.Header.Add("Authorization", h)
	}
	return r
}

func basic(userAndPassword string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(userAndPassword))
}

// name says whom an Authenticator takes the caller for.
func name(a guard.Authenticator, r *http.Request) string {
	who, err := a(r)
	if err != nil {
		return outcome(err)
	}
	return "it is " + who
}

var (
	basicWho    = `who? Basic realm="m": ` + sayWho
	basicWrong  = `who? Basic realm="m": the user or the password is wrong: check the netrc file or what GOAUTH names`
	bearerWho   = `who? Bearer realm="m": ` + sayWho
	bearerWrong = `who? Bearer realm="m": the token is not valid here: check what GOAUTH names`
)

func TestBasic(t *testing.T) {
	a := guard.Basic("m", map[string]string{"ann": "secret", "bob": "se:cret", "carl": "", "": "nobody", "dora": "pässword"})
	for _, tt := range []struct {
		name    string
		headers []string
		want    string
	}{
		{"right", []string{basic("ann:secret")}, "it is ann"},
		{"a colon in the password", []string{basic("bob:se:cret")}, "it is bob"},
		{"not ASCII", []string{basic("dora:pässword")}, "it is dora"},
		{"the scheme in lower case", []string{strings.ToLower("Basic") + basic("ann:secret")[5:]}, "it is ann"},
		{"nothing", nil, basicWho},
		{"an empty header", []string{""}, basicWho},
		{"wrong password", []string{basic("ann:Secret")}, basicWrong},
		{"the beginning of the password", []string{basic("ann:secre")}, basicWrong},
		{"more than the password", []string{basic("ann:secret\x00")}, basicWrong},
		{"another's password", []string{basic("ann:se:cret")}, basicWrong},
		{"unknown user", []string{basic("eve:secret")}, basicWrong},
		{"user in upper case", []string{basic("Ann:secret")}, basicWrong},
		{"unknown user, no password", []string{basic("eve:")}, basicWrong},
		{"a user without a password", []string{basic("carl:")}, basicWrong},
		{"no user", []string{basic(":nobody")}, basicWrong},
		{"no colon", []string{basic("ann")}, basicWho},
		{"not base64", []string{"Basic !!!"}, basicWho},
		{"another scheme", []string{"Bearer secret"}, basicWho},
		{"two headers", []string{basic("ann:secret"), basic("bob:se:cret")}, basicWho},
		{"two headers alike", []string{basic("ann:secret"), basic("ann:secret")}, basicWho},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := name(a, sent(tt.headers...)); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
		})
	}
}

func TestBearer(t *testing.T) {
	tokens := map[string]string{"ann": "token-a", "bob": "token-b", "carl": "", "dora": "token-d", "emil": "token-d"}
	a := guard.Bearer("m", tokens)
	tokens["eve"] = "token-e" // too late
	for _, tt := range []struct {
		name    string
		headers []string
		want    string
	}{
		{"right", []string{"Bearer token-a"}, "it is ann"},
		{"another", []string{"Bearer token-b"}, "it is bob"},
		{"the scheme in upper case, two spaces", []string{"BEARER  token-b"}, "it is bob"},
		{"nothing", nil, bearerWho},
		{"no token", []string{"Bearer"}, bearerWho},
		{"an empty token", []string{"Bearer  "}, bearerWho},
		{"no scheme", []string{"token-a"}, bearerWho},
		{"another scheme", []string{"Token token-a"}, bearerWho},
		{"wrong", []string{"Bearer token-c"}, bearerWrong},
		{"the beginning", []string{"Bearer token-"}, bearerWrong},
		{"more", []string{"Bearer token-a,"}, bearerWrong},
		{"added later", []string{"Bearer token-e"}, bearerWrong},
		{"of two names", []string{"Bearer token-d"}, `who? Bearer realm="m": the token is that of more than one name: tell who runs the proxy`},
		{"two headers", []string{"Bearer token-a", "Bearer token-a"}, bearerWho},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := name(a, sent(tt.headers...)); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
		})
	}
}

func TestFuncsSayWhatIsTheMatter(t *testing.T) {
	own := &fetch.UnauthorizedError{Challenge: `Bearer error="invalid_token"`, Err: errors.New("expired")}
	for _, tt := range []struct {
		answer       error
		basic, token string
	}{
		{nil, "it is ann", "it is ann"},
		{errors.New("locked"), `who? Basic realm="m": locked`, `who? Bearer realm="m": locked`},
		{own, `who? Bearer error="invalid_token": expired`, `who? Bearer error="invalid_token": expired`},
		{errDown, "unavailable", "unavailable"},
	} {
		a := guard.BasicFunc("m", func(context.Context, string, string) (string, error) { return "ann", tt.answer })
		b := guard.BearerFunc("m", func(context.Context, string) (string, error) { return "ann", tt.answer })
		got := []string{name(a, sent(basic("ann:secret"))), name(b, sent("Bearer token"))}
		if diff := cmp.Diff([]string{tt.basic, tt.token}, got); diff != "" {
			t.Errorf("%v (-want +got):\n%s", tt.answer, diff)
		}
	}
}

func TestRealmIsQuoted(t *testing.T) {
	for realm, want := range map[string]string{
		"modules":          `Basic realm="modules"`,
		`a "b" \c`:         `Basic realm="a \"b\" \\c"`,
		"a\r\nX: y":        `Basic realm="a??X: y"`,
		"Bäckerei\x00\x7f": `Basic realm="B?ckerei??"`,
	} {
		_, err := guard.Basic(realm, nil)(sent())
		e, _ := errors.AsType[*fetch.UnauthorizedError](err)
		if e == nil || e.Challenge != want {
			t.Errorf("%q: %v, want %s", realm, err, want)
		}
	}
}

func TestFirstOf(t *testing.T) {
	a := guard.Basic("m", map[string]string{"ann": "secret"})
	b := guard.Bearer("m", map[string]string{"bot": "token"})
	either := guard.FirstOf(a, b)
	const both = `who? Basic realm="m", Bearer realm="m": `
	for _, tt := range []struct{ header, want string }{
		{basic("ann:secret"), "it is ann"},
		{"Bearer token", "it is bot"},
		{"", both + sayWho},
		{basic("ann:wrong"), both + "the user or the password is wrong: check the netrc file or what GOAUTH names"},
		{"Bearer wrong", both + "the token is not valid here: check what GOAUTH names"},
	} {
		if got := name(either, sent(tt.header)); got != tt.want {
			t.Errorf("%q: %s, want %s", tt.header, got, tt.want)
		}
	}
	const nobody = "denied: the proxy has no way to find out who you are: tell who runs it"
	for _, none := range []guard.Authenticator{guard.FirstOf(), guard.FirstOf(nil)} {
		if got := name(none, sent(basic("ann:secret"))); got != nobody {
			t.Errorf("of none: %s", got)
		}
	}
	var none guard.Authenticator
	if got := outcome(none.Check(sent(), upstream.Request{})); got != nobody {
		t.Errorf("none: %s", got)
	}
}

func TestUsers(t *testing.T) {
	a := guard.Basic("m", map[string]string{"ann": "1", "bob": "2"})
	check := guard.AllOf(a.Check, guard.Only("corp.example", a.Users("ann")))
	for _, tt := range []struct{ header, path, want string }{
		{basic("ann:1"), "/corp.example/tool/@v/list", "allowed"},
		{basic("bob:2"), "/corp.example/tool/@v/list", `denied: "bob" may not have this: ask who runs the proxy`},
		{basic("bob:2"), "/example.com/hello/@v/list", "allowed"},
		{basic("ann:2"), "/example.com/hello/@v/list", basicWrong},
		{"", "/corp.example/tool/@v/list", basicWho},
	} {
		if got := outcome(check(sent(tt.header), request(t, tt.path))); got != tt.want {
			t.Errorf("%s for %q: %s, want %s", tt.path, tt.header, got, tt.want)
		}
	}
	if got := outcome(a.Users()(sent(basic("ann:1")), upstream.Request{})); !strings.HasPrefix(got, "denied") {
		t.Errorf("with no names: %s", got)
	}
}

func TestCallerIsWhatWasProved(t *testing.T) {
	a := guard.Basic("m", map[string]string{"ann": "secret"})
	for _, tt := range []struct{ header, from, want string }{
		{basic("ann:secret"), "192.0.2.1:4711", "ann"},
		{basic("ann:wrong"), "192.0.2.1:4711", "192.0.2.1"},
		{"", "[2001:db8::1%eth0]:4711", "2001:db8::1"},
		{"", "@", "@"},
	} {
		r := sent(tt.header)
		r.RemoteAddr = tt.from
		r.Header.Set("X-Forwarded-For", "198.51.100.1")
		if got := a.Caller(r); got != tt.want {
			t.Errorf("%q from %s: %q, want %q", tt.header, tt.from, got, tt.want)
		}
	}
}

func TestCertificate(t *testing.T) {
	leaf := &x509.Certificate{Subject: pkix.Name{CommonName: "build", Organization: []string{"Corp"}}}
	ca := &x509.Certificate{Subject: pkix.Name{CommonName: "ca"}}
	verified := &tls.ConnectionState{PeerCertificates: []*x509.Certificate{leaf}, VerifiedChains: [][]*x509.Certificate{{leaf, ca}}}
	merelyShown := &tls.ConnectionState{PeerCertificates: []*x509.Certificate{leaf}}
	commonName := func(c *x509.Certificate) string { return c.Subject.CommonName }
	const refused = "denied: show a client certificate that this proxy knows"
	for _, tt := range []struct {
		name  string
		state *tls.ConnectionState
		by    func(*x509.Certificate) string
		want  string
	}{
		{"verified", verified, nil, "it is CN=build,O=Corp"},
		{"by its common name", verified, commonName, "it is build"},
		{"of a name that is not wanted", verified, func(*x509.Certificate) string { return "" }, refused},
		{"shown, not verified", merelyShown, nil, refused},
		{"none", &tls.ConnectionState{}, nil, refused},
		{"no TLS", nil, nil, refused},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := sent()
			r.TLS = tt.state
			if got := name(guard.Certificate(tt.by), r); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
		})
	}
}
