package upstream_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
)

// known are credentials that are looked up by a function.
type known func(ctx context.Context, u *url.URL) (http.Header, error)

func (k known) Header(ctx context.Context, u *url.URL) (http.Header, error) { return k(ctx, u) }

// sending are credentials that are sent everywhere they may go.
func sending(name, value string) known {
	return func(context.Context, *url.URL) (http.Header, error) { return http.Header{name: {value}}, nil }
}

// hearing answers as next does, and writes down each URL and the secrets.
func hearing(l *log, next roundTrip) roundTrip {
	return func(r *http.Request) (*http.Response, error) {
		l.add(strings.TrimSpace(r.URL.String() + " " + r.Header.Get("Authorization") + r.Header.Get("X-Token")))
		return next(r)
	}
}

func TestCredentialsStayPrivate(t *testing.T) {
	tests := []struct {
		base string
		sent string
		says string
	}{
		{"https://proxy.example", "https://proxy.example/a.b/@latest Bearer hunter2", "the credentials for proxy.example were refused"},
		{"http://localhost:8080", "http://localhost:8080/a.b/@latest Bearer hunter2", "the credentials for localhost:8080 were refused"},
		{"http://127.1.2.3", "http://127.1.2.3/a.b/@latest Bearer hunter2", "were refused"},
		{"http://[::1]:80", "http://[::1]:80/a.b/@latest Bearer hunter2", "were refused"},
		{"http://proxy.example", "http://proxy.example/a.b/@latest", "credentials for proxy.example were not sent without encryption: use https"},
		{"http://192.0.2.1", "http://192.0.2.1/a.b/@latest", "were not sent without encryption"},
		{"http://localhost.proxy.example", "http://localhost.proxy.example/a.b/@latest", "were not sent without encryption"},
	}
	for _, test := range tests {
		t.Run(test.base, func(t *testing.T) {
			l := &log{}
			u := newHTTP(t, test.base, &upstream.HTTPOptions{Transport: hearing(l, always(401, "")), Credentials: sending("Authorization", "Bearer hunter2")})
			_, err := u.Fetch(t.Context(), request(t, "a.b/@latest"))
			e := wantError(t, err, upstream.Denied)
			if text := e.Error(); !strings.Contains(text, test.says) || strings.Contains(text, "hunter2") {
				t.Errorf("error says %q, want %q", text, test.says)
			}
			if diff := cmp.Diff([]string{test.sent}, l.lines); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCredentialsForNoOne(t *testing.T) {
	none := known(func(context.Context, *url.URL) (http.Header, error) { return nil, nil })
	for status, says := range map[int]string{401: "give it credentials for proxy.example", 403: "give it credentials", 404: "", 500: ""} {
		u := newHTTP(t, "https://proxy.example", &upstream.HTTPOptions{Transport: always(status, ""), Credentials: none})
		_, err := u.Fetch(t.Context(), request(t, "a.b/@latest"))
		if text := upstream.AsError(err, upstream.Request{}, "").Error(); !strings.Contains(text, says) || says == "" && strings.Contains(text, "credentials") {
			t.Errorf("status %d: error says %q, want %q", status, text, says)
		}
	}
}

// Any header may be a credential; http.Client would know only of three names.
func TestCredentialsAreNotRedirected(t *testing.T) {
	const start = "https://proxy.example/a.b/@latest"
	tests := []struct {
		name  string
		table map[string]string
		want  []string
	}{
		{"same host", map[string]string{start: "/else"}, []string{start + " hunter2", "https://proxy.example/else hunter2"}},
		{"same host, outside of the prefix", map[string]string{start: "/public/x"}, []string{start + " hunter2", "https://proxy.example/public/x"}},
		{"another host", map[string]string{start: "https://storage.example/x"}, []string{start + " hunter2", "https://storage.example/x"}},
		{"subdomain", map[string]string{start: "https://cdn.proxy.example/x"}, []string{start + " hunter2", "https://cdn.proxy.example/x"}},
		{"parent", map[string]string{start: "https://example/x"}, []string{start + " hunter2", "https://example/x"}},
		{"another port", map[string]string{start: "https://proxy.example:8443/x"}, []string{start + " hunter2", "https://proxy.example:8443/x"}},
		{"loopback", map[string]string{start: "https://127.0.0.1/x"}, []string{start + " hunter2", "https://127.0.0.1/x"}},
		{"there and back", map[string]string{start: "https://storage.example/x", "https://storage.example/x": "https://proxy.example/y"},
			[]string{start + " hunter2", "https://storage.example/x", "https://proxy.example/y"}},
		{"there and on", map[string]string{start: "https://storage.example/x", "https://storage.example/x": "https://storage.example/y"},
			[]string{start + " hunter2", "https://storage.example/x", "https://storage.example/y"}},
		{"user information of the redirect's", map[string]string{start: "https://u:p@storage.example/x"},
			[]string{start + " hunter2", "https://u:p@storage.example/x Basic dTpw"}},
	}
	private := known(func(_ context.Context, u *url.URL) (http.Header, error) {
		if strings.HasPrefix(u.Path, "/public/") {
			return nil, nil
		}
		return http.Header{"X-Token": {"hunter2"}}, nil
	})
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			l := &log{}
			u := newHTTP(t, "https://proxy.example", &upstream.HTTPOptions{Transport: hearing(l, redirecting(test.table, nil)), Credentials: private})
			if _, err := upstream.ReadAll(t.Context(), u, request(t, "a.b/@latest")); err != nil {
				t.Error(err)
			}
			if diff := cmp.Diff(test.want, l.lines); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCredentialsStayWithTheScheme(t *testing.T) {
	l := &log{}
	u := newHTTP(t, "http://localhost", &upstream.HTTPOptions{Credentials: sending("X-Token", "hunter2"),
		Transport: hearing(l, redirecting(map[string]string{"http://localhost/a.b/@latest": "https://localhost/x"}, nil))})
	if _, err := upstream.ReadAll(t.Context(), u, request(t, "a.b/@latest")); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{"http://localhost/a.b/@latest hunter2", "https://localhost/x"}, l.lines); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

// A server that is reached without encryption cannot have us send a password so.
func TestRedirectToInsecurePassword(t *testing.T) {
	l := &log{}
	u := over(t, "http://proxy.example", hearing(l, redirecting(map[string]string{"http://proxy.example/a.b/@latest": "http://u:p@storage.example/x"}, nil)))
	if _, err := upstream.ReadAll(t.Context(), u, request(t, "a.b/@latest")); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{"http://proxy.example/a.b/@latest", "http://u:p@storage.example/x"}, l.lines); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

func TestRedirectedAndDenied(t *testing.T) {
	u := newHTTP(t, "https://proxy.example", &upstream.HTTPOptions{Credentials: sending("X-Token", "hunter2"),
		Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			if r.URL.Host == "proxy.example" {
				return answer(r, 302, "", "Location", "https://storage.example/x"), nil
			}
			return answer(r, 403, ""), nil
		})})
	_, err := u.Fetch(t.Context(), request(t, "a.b/@latest"))
	if e := wantError(t, err, upstream.Denied); !strings.Contains(e.Error(), "not sent to where a redirect to another host") {
		t.Errorf("error says %q", e.Error())
	}
}

// What has user information in its URL uses that, and nothing else.
func TestUserInformationComesFirst(t *testing.T) {
	l := &log{}
	u := newHTTP(t, "https://u:p@proxy.example", &upstream.HTTPOptions{Transport: hearing(l, always(200, "body")),
		Credentials: known(func(context.Context, *url.URL) (http.Header, error) { return nil, errors.New("was asked") })})
	if _, err := upstream.ReadAll(t.Context(), u, request(t, "a.b/@latest")); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{"https://proxy.example/a.b/@latest Basic dTpw"}, l.lines); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

func TestCredentialsThatAreNoHeader(t *testing.T) {
	tests := []struct{ name, value, says string }{
		{"Authorization", "Bearer hunter2\nX: y", "line break"},
		{"Authorization", "Bearer hunter2\r", "line break"},
		{"Authorization", "Bearer \x00hunter2", "control character"},
		{"Authorization", "Bearer hunter2" + strings.Repeat("x", 4<<10), "larger than"},
		{"Not a name", "hunter2", "name is invalid"},
		{"X-Naïve", "hunter2", "name is invalid"},
		{"", "hunter2", "name is invalid"},
		{"X:", "hunter2", "name is invalid"},
		{"Host", "hunter2", "Host is not for credentials"},
		{"content-length", "2", "not for credentials"},
		{"transfer-encoding", "chunked", "not for credentials"},
		{"Range", "bytes=0-1", "not for credentials"},
		{"Accept-Encoding", "gzip", "not for credentials"},
	}
	for _, test := range tests {
		l := &log{}
		u := newHTTP(t, "https://proxy.example", &upstream.HTTPOptions{Transport: hearing(l, always(200, "")), Credentials: sending(test.name, test.value)})
		_, err := u.Fetch(t.Context(), request(t, "a.b/@latest"))
		e := wantError(t, err, upstream.Unavailable)
		if text := e.Error(); len(l.lines) != 0 || !strings.Contains(text, test.says) || strings.Contains(text, "hunter2") {
			t.Errorf("%q: %q: %d requests, error %q, want %q in it", test.name, test.value, len(l.lines), text, test.says)
		}
	}
}

// Without credentials that should be there, "not found" would be worth nothing.
func TestCredentialsThatCannotBeHad(t *testing.T) {
	cause := errors.New("the vault is sealed")
	l := &log{}
	u := newHTTP(t, "https://proxy.example", &upstream.HTTPOptions{Transport: hearing(l, always(404, "")),
		Credentials: known(func(context.Context, *url.URL) (http.Header, error) { return nil, cause })})
	_, err := u.Fetch(t.Context(), request(t, "a.b/@latest"))
	e := wantError(t, err, upstream.Unavailable)
	if !errors.Is(err, cause) || !strings.Contains(e.Error(), "credentials for proxy.example: the vault is sealed") || len(l.lines) != 0 {
		t.Errorf("%d requests, error %v", len(l.lines), err)
	}
}

// The time that credentials take is theirs, but it is bounded.
func TestCredentialsThatDoNotCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := known(func(ctx context.Context, _ *url.URL) (http.Header, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		})
		u := newHTTP(t, "https://proxy.example", &upstream.HTTPOptions{Transport: always(200, ""), Credentials: slow})
		_, err := u.Fetch(t.Context(), request(t, "a.b/@latest"))
		if e := wantError(t, err, upstream.Timeout); !strings.Contains(e.Error(), "credentials did not come in time") {
			t.Errorf("error says %q", e.Error())
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		_, err = u.Fetch(ctx, request(t, "a.b/@latest"))
		if wantError(t, err, upstream.Timeout); time.Since(start) != time.Second {
			t.Errorf("a caller who waits for a second waited for %v: %v", time.Since(start), err)
		}
	})
}

func TestCredentialsTimeIsNotTheSources(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nearly := 39 * time.Second
		slow := known(func(context.Context, *url.URL) (http.Header, error) {
			time.Sleep(nearly)
			return http.Header{"X-Token": {"1"}}, nil
		})
		u := newHTTP(t, "https://proxy.example", &upstream.HTTPOptions{Credentials: slow, Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			select {
			case <-time.After(nearly):
				return answer(r, 200, "body"), nil
			case <-r.Context().Done():
				return nil, r.Context().Err()
			}
		})})
		if _, err := upstream.ReadAll(t.Context(), u, request(t, "a.b/@latest")); err != nil {
			t.Error(err)
		}
	})
}
