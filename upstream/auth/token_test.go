package auth_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/upstream/auth"
)

func contains(s, part string) bool { return strings.Contains(s, part) }

// giving returns each secret in turn, and the last for ever.
func giving(secrets ...string) func(context.Context) (string, error) {
	return func(context.Context) (string, error) {
		secret := secrets[0]
		if len(secrets) > 1 {
			secrets = secrets[1:]
		}
		return secret, nil
	}
}

func must(t testing.TB) func(upstream.Credentials, error) upstream.Credentials {
	return func(c upstream.Credentials, err error) upstream.Credentials {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
}

func TestTokens(t *testing.T) {
	const at = "https://proxy.example/a"
	tests := []struct {
		name string
		c    upstream.Credentials
		want string
	}{
		{"bearer", must(t)(auth.Bearer(giving("tok"), "proxy.example")), "Bearer tok"},
		{"bearer from a file", must(t)(auth.Bearer(giving("tok\n"), "proxy.example")), "Bearer tok"},
		{"no token", must(t)(auth.Bearer(giving(" \n"), "proxy.example")), ""},
		{"basic", must(t)(auth.Basic("alice", giving("secret1"), "proxy.example")), alice},
		{"basic, no user", must(t)(auth.Basic("", giving("secret1"), "proxy.example")), "Basic OnNlY3JldDE="},
		{"basic, no password", must(t)(auth.Basic("alice", giving(""), "proxy.example")), ""},
		{"failure", must(t)(auth.Bearer(func(context.Context) (string, error) { return "tok", errors.New("sealed") }, "proxy.example")), "error: sealed"},
		{"failure for somebody else", must(t)(auth.Bearer(func(context.Context) (string, error) { return "", errors.New("sealed") }, "other.example")), ""},
	}
	for _, test := range tests {
		if got := authorization(t, test.c, at); got != test.want {
			t.Errorf("%s: sent %q, want %q", test.name, got, test.want)
		}
	}
	if got := refresh(t, must(t)(auth.Bearer(giving("new"), "proxy.example")), at, "Bearer old"); got != "Bearer new" {
		t.Errorf("after a refusal sent %q", got)
	}
}

func TestTokensRefused(t *testing.T) {
	if _, err := auth.Bearer(nil, "proxy.example"); err == nil {
		t.Error("there need be no function")
	}
	for _, user := range []string{"a:b", "a\n", "\x00", "a\tb"} {
		if _, err := auth.Basic(user, giving("x"), "proxy.example"); err == nil {
			t.Errorf("%q is a user", user)
		}
	}
}

func TestFirst(t *testing.T) {
	failing := must(t)(auth.Bearer(func(context.Context) (string, error) { return "", errors.New("sealed") }, "proxy.example/private", "other.example"))
	c := auth.First(failing, must(t)(auth.Bearer(giving("near"), "proxy.example")), must(t)(auth.Bearer(giving("far"), "proxy.example/private", "far.example")))
	for at, want := range map[string]string{
		"https://proxy.example/a":         "Bearer near",
		"https://proxy.example/private/a": "Bearer near", // whatever the lengths
		"https://far.example/a":           "Bearer far",
		"https://other.example/a":         "error: sealed",
		"https://example.com/a":           "",
	} {
		if got := authorization(t, c, at); got != want {
			t.Errorf("%s: sent %q, want %q", at, got, want)
		}
	}
	for sent, want := range map[string]string{"": "Bearer near", "Bearer near": "Bearer far", "Bearer old": "Bearer near"} {
		if got := refresh(t, c, "https://proxy.example/private/a", sent); got != want {
			t.Errorf("after %q was refused sent %q, want %q", sent, got, want)
		}
	}
	if got := refresh(t, auth.First(fixed{}), "https://other.example/a", "x"); got != "" {
		t.Errorf("one who knows of no refusals gave %q", got)
	}
}

// fixed is Credentials and no more.
type fixed struct{}

func (fixed) Header(context.Context, *url.URL) (http.Header, error) {
	return http.Header{"Authorization": {"Bearer fixed"}}, nil
}

// Whoever logs what it was configured with logs no secret.
func TestCredentialsPrintNoSecret(t *testing.T) {
	file := filepath.Join(t.TempDir(), "netrc")
	write(t, file, "machine proxy.example login alice password hunter2")
	netrc := auth.Netrc(file)
	if got := authorization(t, netrc, "https://proxy.example"); got == "" {
		t.Fatal("nothing is known")
	}
	for _, c := range []upstream.Credentials{
		netrc,
		must(t)(auth.New("netrc", &auth.Options{Netrc: file})),
		must(t)(auth.Basic("alice", giving("hunter2"), "proxy.example")),
		auth.First(netrc),
	} {
		opts := upstream.HTTPOptions{Credentials: c}
		var b strings.Builder
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			fmt.Fprintf(&b, verb+"\n"+verb+"\n", c, opts)
			fmt.Fprintf(&b, verb+"\n", &opts)
		}
		slog.New(slog.NewTextHandler(&b, nil)).Info("configured", "credentials", c, "options", opts)
		slog.New(slog.NewJSONHandler(&b, nil)).Info("configured", "credentials", c)
		data, _ := json.Marshal(c)
		b.Write(data)
		for _, secret := range []string{"hunter2", "YWxpY2U6aHVudGVyMg", fmt.Sprintf("%x", "hunter2")} {
			if contains(b.String(), secret) {
				t.Errorf("%q is in %s", secret, b.String())
			}
		}
	}
}
