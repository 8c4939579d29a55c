package upstream_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/breakwater-go/breakwater/upstream"
)

// A server that repeats what it was sent must not get it into an error.
func TestSecretsAreNotRepeated(t *testing.T) {
	const plain = "text/plain; charset=utf-8"
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte("alice:hunter2/p&w"))
	tests := []struct {
		name, field, value, text string
		shown                    bool
	}{
		{"bearer", "Authorization", "Bearer t0ken-of-alice", "bad token t0ken-of-alice", false},
		{"bearer, the whole field", "Authorization", "Bearer t0ken-of-alice", "Authorization: Bearer t0ken-of-alice", false},
		{"bearer, in lines", "Authorization", "Bearer t0ken-of-alice", "bad: t0ken-\nof-alice", false},
		{"bearer, in base64", "Authorization", "Bearer t0ken-of-alice", "bad: " + base64.StdEncoding.EncodeToString([]byte("t0ken-of-alice")), false},
		{"bearer, in base64 without padding", "Authorization", "Bearer t0ken-of-alice", "bad: " + base64.RawStdEncoding.EncodeToString([]byte("t0ken-of-alice")), false},
		{"bearer, without padding", "Authorization", "Bearer t0ken-of-a==", "bad: t0ken-of-a", false},
		{"bearer, cut short", "Authorization", "Bearer " + strings.Repeat("t", 4000), strings.Repeat("x", 640) + strings.Repeat("t", 4000), false},
		{"bearer, something else", "Authorization", "Bearer t0ken-of-alice", "the bearer must be alice", true},
		{"basic", "Authorization", basic, "Authorization was " + basic, false},
		{"basic, in base64", "Authorization", basic, "cannot decode " + basic[6:], false},
		{"basic, the password", "Authorization", basic, "alice has no password hunter2/p&w", false},
		{"basic, the password escaped", "Authorization", basic, "not found: /?p=hunter2%2Fp%26w", false},
		{"basic, the user", "Authorization", basic, "alice may not read this", true},
		{"basic, short", "Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte("a:b")), "a:b", false},
		{"token as a user", "Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte("t0ken:")), "who is t0ken?", false},
		{"token as a user with a password", "Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte("t0ken:x-oauth-basic")), "who is t0ken?", false},
		{"field of its own", "Private-Token", "tkn", "what is tkn?", false},
		{"cookie", "Cookie", "a=1; session=0123456789", "no session 0123456789", false},
	}
	for _, test := range tests {
		for _, status := range []int{401, 404, 500} {
			t.Run(fmt.Sprint(test.name, " ", status), func(t *testing.T) {
				u := newHTTP(t, "https://proxy.example", &upstream.HTTPOptions{Credentials: sending(test.field, test.value),
					Transport: always(status, test.text, "Content-Type", plain)})
				_, err := u.Fetch(t.Context(), request(t, "a.b/@latest"))
				e, _ := errors.AsType[*upstream.Error](err)
				if test.shown != (e.Text == test.text) || !test.shown && !strings.Contains(e.Text, "left out") {
					t.Errorf("text %q for %q", e.Text, test.text)
				}
			})
		}
	}
}

func TestUserInformationIsNotRepeated(t *testing.T) {
	u := over(t, "https://t0ken@proxy.example", always(403, "you are t0ken", "Content-Type", "text/plain"))
	_, err := u.Fetch(t.Context(), request(t, "a.b/@latest"))
	if e := wantError(t, err, upstream.Denied); strings.Contains(e.Error(), "t0ken") {
		t.Errorf("error says %q", e.Error())
	}
}

// The URL that a redirect leads to may be signed.
func TestSignatureIsNotRepeated(t *testing.T) {
	u := over(t, "https://proxy.example", func(r *http.Request) (*http.Response, error) {
		if r.URL.Host == "proxy.example" {
			return answer(r, 302, "", "Location", "https://storage.example/x?size=1&signature=%3d0123456789"), nil
		}
		return answer(r, 403, "expired: "+r.URL.String(), "Content-Type", "text/plain"), nil
	})
	_, err := u.Fetch(t.Context(), request(t, "a.b/@latest"))
	if e := wantError(t, err, upstream.Denied); strings.Contains(e.Error(), "0123456789") || !strings.Contains(e.Text, "left out") {
		t.Errorf("error says %q", e.Error())
	}
}

// So may its user information be a secret: of the server that redirects.
func TestRedirectedPasswordIsNotRepeated(t *testing.T) {
	u := over(t, "https://proxy.example", func(r *http.Request) (*http.Response, error) {
		if r.URL.Host == "proxy.example" {
			return answer(r, 302, "", "Location", "https://reader:t0ken@storage.example/x"), nil
		}
		return answer(r, 403, "wrong password: t0ken", "Content-Type", "text/plain"), nil
	})
	_, err := u.Fetch(t.Context(), request(t, "a.b/@latest"))
	if e := wantError(t, err, upstream.Denied); strings.Contains(e.Error(), "t0ken") {
		t.Errorf("error says %q", e.Error())
	}
}

// A server that is none sends back what it gets, and net/http quotes it.
func TestEchoIsNotRepeated(t *testing.T) {
	const secret = "t0ken-of-alice"
	tests := map[string]string{
		"first line":       "HTTP/1.1 %s\r\n\r\n",
		"not HTTP":         "%s\r\n\r\n",
		"no header field":  "HTTP/1.1 200 OK\r\nAuthorization %s\r\n\r\n",
		"content encoding": "HTTP/1.1 200 OK\r\nContent-Encoding: %s\r\nContent-Length: 0\r\n\r\n",
		"length":           "HTTP/1.1 200 OK\r\nContent-Length: %s\r\n\r\n",
		"location":         "HTTP/1.1 302 Found\r\nLocation: ftp://x.example/%s\r\nContent-Length: 0\r\n\r\n",
		"transfer":         "HTTP/1.1 200 OK\r\nTransfer-Encoding: %s\r\n\r\n",
		"chunk":            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%s\r\n",
	}
	for name, format := range tests {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				conn, _, err := http.NewResponseController(w).Hijack()
				if err != nil {
					return
				}
				defer conn.Close()
				fmt.Fprintf(conn, format, strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
			}))
			defer server.Close()
			u := newHTTP(t, server.URL, &upstream.HTTPOptions{Credentials: sending("Authorization", "Bearer "+secret)})
			_, err := upstream.ReadAll(t.Context(), u, request(t, "a.b/@latest"))
			if err == nil {
				t.Fatal("no error")
			}
			for e := err; e != nil; e = errors.Unwrap(e) {
				if text := fmt.Sprintf("%v %+v %q", e, e, e); strings.Contains(text, secret) {
					t.Errorf("%T says %q", e, text)
				}
			}
		})
	}
}

// Errors of a body that has begun are no exception.
func TestBodyErrorIsNotRepeated(t *testing.T) {
	const secret = "t0ken-of-alice"
	u := newHTTP(t, "https://proxy.example", &upstream.HTTPOptions{Credentials: sending("Authorization", "Bearer "+secret),
		Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			resp := answer(r, 200, "")
			resp.Body, resp.ContentLength = io.NopCloser(io.MultiReader(strings.NewReader("half"), reset{"stream reset: " + secret})), -1
			return resp, nil
		})})
	_, err := upstream.ReadAll(t.Context(), u, request(t, "a.b/@v/v1.0.0.zip"))
	if e := wantError(t, err, upstream.Unavailable); strings.Contains(e.Error(), secret) {
		t.Errorf("error says %q", e.Error())
	}
}

type reset struct{ text string }

func (f reset) Read([]byte) (int, error) { return 0, errors.New(f.text) }

// Printing a source or its options shows no password.
func TestSourcePrintsNoSecret(t *testing.T) {
	base := (&url.URL{Scheme: "https", User: url.UserPassword("alice", "hunter2"), Host: "proxy.example"}).String()
	u := newHTTP(t, base, nil)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		if text := fmt.Sprintf(verb, u); strings.Contains(text, "hunter2") {
			t.Errorf("%s prints %s", verb, text)
		}
	}
}
