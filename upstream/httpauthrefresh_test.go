package upstream_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
)

// renewed are credentials that are other ones after a refusal.
type renewed struct {
	old, new string // of X-Token; empty: none
	err      error
	log      *log
}

func (c *renewed) Header(context.Context, *url.URL) (http.Header, error) { return token(c.old), nil }

func (c *renewed) Refresh(_ context.Context, u *url.URL, sent http.Header, refusal *http.Response) (http.Header, error) {
	data, _ := io.ReadAll(refusal.Body)
	c.log.add(u.Path + " was refused to " + sent.Get("X-Token") + ": " + refusal.Status + string(data))
	return token(c.new), c.err
}

func token(s string) http.Header {
	if s == "" {
		return nil
	}
	return http.Header{"X-Token": {s}}
}

// needing lets in who has the token, and answers everybody else with status.
func needing(token string, status int) roundTrip {
	return func(r *http.Request) (*http.Response, error) {
		if r.Header.Get("X-Token") == token {
			return answer(r, 200, "body"), nil
		}
		resp := answer(r, status, "secret hint")
		resp.Status = http.StatusText(status)
		return resp, nil
	}
}

func TestCredentialsAreRefreshedOnce(t *testing.T) {
	const at = "https://proxy.example/a.b/@latest"
	sealed := errors.New("the vault is sealed")
	tests := []struct {
		name     string
		status   int
		old, new string
		err      error
		class    upstream.Class
		says     string // empty: it succeeds
		want     []string
	}{
		{"none at first", 401, "", "good", nil, 0, "", []string{at, "/a.b/@latest was refused to : Unauthorized", at + " good"}},
		{"run out", 401, "old", "good", nil, 0, "", []string{at + " old", "/a.b/@latest was refused to old: Unauthorized", at + " good"}},
		{"forbidden", 403, "old", "good", nil, 0, "", []string{at + " old", "/a.b/@latest was refused to old: Forbidden", at + " good"}},
		{"hidden", 404, "", "good", nil, 0, "", []string{at, "/a.b/@latest was refused to : Not Found", at + " good"}},
		{"absent", 404, "", "", nil, upstream.NotFound, "not found", []string{at, "/a.b/@latest was refused to : Not Found"}},
		{"absent for one who is known", 404, "old", "good", nil, upstream.NotFound, "not found", []string{at + " old"}},
		{"gone", 410, "", "good", nil, upstream.NotFound, "not found", []string{at}},
		{"busy", 429, "", "good", nil, upstream.Unavailable, "unavailable", []string{at}},
		{"broken", 500, "", "good", nil, upstream.Unavailable, "unavailable", []string{at}},
		{"no better", 401, "old", "old", nil, upstream.Denied, "were refused", []string{at + " old", "/a.b/@latest was refused to old: Unauthorized"}},
		{"none", 401, "old", "", nil, upstream.Denied, "were refused", []string{at + " old", "/a.b/@latest was refused to old: Unauthorized"}},
		{"no good either", 401, "old", "bad", nil, upstream.Denied, "were refused", []string{at + " old", "/a.b/@latest was refused to old: Unauthorized", at + " bad"}},
		{"refused, and no way to know better", 401, "old", "good", sealed, upstream.Denied, "the vault is sealed", []string{at + " old", "/a.b/@latest was refused to old: Unauthorized"}},
		{"hidden, and no way to know", 404, "", "", sealed, upstream.Unavailable, "the vault is sealed", []string{at, "/a.b/@latest was refused to : Not Found"}},
		{"not a header", 401, "", "good\n", nil, upstream.Denied, "line break", []string{at, "/a.b/@latest was refused to : Unauthorized"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			l := &log{}
			u := newHTTP(t, "https://proxy.example", &upstream.HTTPOptions{
				Transport: hearing(l, needing("good", test.status)), Credentials: &renewed{test.old, test.new, test.err, l}})
			data, err := upstream.ReadAll(t.Context(), u, request(t, "a.b/@latest"))
			if test.says == "" && (err != nil || string(data) != "body") {
				t.Errorf("body %q, error %v", data, err)
			}
			if test.says != "" {
				if e := wantError(t, err, test.class); !strings.Contains(e.Error(), test.says) {
					t.Errorf("error says %q, want %q", e.Error(), test.says)
				}
			}
			if diff := cmp.Diff(test.want, l.lines); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
		})
	}
}

// refreshing are credentials that go by another name after a refusal.
type refreshing func(ctx context.Context) (http.Header, error)

func (refreshing) Header(context.Context, *url.URL) (http.Header, error) { return token("old"), nil }

func (f refreshing) Refresh(ctx context.Context, _ *url.URL, _ http.Header, _ *http.Response) (http.Header, error) {
	return f(ctx)
}

func TestRepeatHasOnlyTheNewCredentials(t *testing.T) {
	var sent []http.Header
	u := newHTTP(t, "https://proxy.example", &upstream.HTTPOptions{
		Credentials: refreshing(func(context.Context) (http.Header, error) { return http.Header{"X-Key": {"good"}}, nil }),
		Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			sent = append(sent, http.Header{"X-Token": r.Header["X-Token"], "X-Key": r.Header["X-Key"]})
			return answer(r, 401, ""), nil
		})})
	_, err := u.Fetch(t.Context(), request(t, "a.b/@latest"))
	wantError(t, err, upstream.Denied)
	want := []http.Header{{"X-Token": {"old"}, "X-Key": nil}, {"X-Token": nil, "X-Key": {"good"}}}
	if diff := cmp.Diff(want, sent); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

func TestCallerLeavesDuringRefresh(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	u := newHTTP(t, "https://proxy.example", &upstream.HTTPOptions{Transport: always(401, ""),
		Credentials: refreshing(func(ctx context.Context) (http.Header, error) {
			cancel()
			<-ctx.Done()
			return nil, ctx.Err()
		})})
	_, err := u.Fetch(ctx, request(t, "a.b/@latest"))
	wantError(t, err, upstream.Canceled)
}

// The repeat goes over the connection that the refusal came on.
func TestRepeatKeepsTheConnection(t *testing.T) {
	conns := &log{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conns.add(r.RemoteAddr)
		if r.Header.Get("X-Token") != "good" {
			http.Error(w, strings.Repeat("who are you? ", 500), http.StatusUnauthorized)
		}
	}))
	defer server.Close()
	u := newHTTP(t, server.URL, &upstream.HTTPOptions{Credentials: &renewed{"", "good", nil, &log{}}})
	defer u.(interface{ CloseIdleConnections() }).CloseIdleConnections()
	if _, err := upstream.ReadAll(t.Context(), u, request(t, "a.b/@v/list")); err != nil {
		t.Error(err)
	}
	if len(conns.lines) != 2 || conns.lines[0] != conns.lines[1] {
		t.Errorf("requests came from %v, want the same connection twice", conns.lines)
	}
}

// One repeat is for the whole way, redirects included.
func TestCredentialsAreRefreshedOnceOnTheWay(t *testing.T) {
	l := &log{}
	u := newHTTP(t, "https://proxy.example", &upstream.HTTPOptions{Credentials: &renewed{"old", "good", nil, &log{}},
		Transport: hearing(l, func(r *http.Request) (*http.Response, error) {
			if r.URL.Path == "/else" || r.Header.Get("X-Token") != "good" {
				return answer(r, 401, ""), nil
			}
			return answer(r, 302, "", "Location", "/else"), nil
		})})
	_, err := u.Fetch(t.Context(), request(t, "a.b/@latest"))
	wantError(t, err, upstream.Denied)
	want := []string{"https://proxy.example/a.b/@latest old", "https://proxy.example/a.b/@latest good", "https://proxy.example/else old"}
	if diff := cmp.Diff(want, l.lines); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

func TestCredentialsAreNotRefreshedElsewhere(t *testing.T) {
	l := &log{}
	c := &renewed{"", "good", nil, l}
	u := newHTTP(t, "https://proxy.example", &upstream.HTTPOptions{Credentials: c,
		Transport: hearing(l, func(r *http.Request) (*http.Response, error) {
			if r.URL.Host == "proxy.example" {
				return answer(r, 302, "", "Location", "https://storage.example/x"), nil
			}
			return answer(r, 401, ""), nil
		})})
	_, err := u.Fetch(t.Context(), request(t, "a.b/@latest"))
	wantError(t, err, upstream.Denied)
	_, err = newHTTP(t, "http://proxy.example", &upstream.HTTPOptions{Transport: hearing(l, always(401, "")), Credentials: c}).
		Fetch(t.Context(), request(t, "a.b/@latest"))
	wantError(t, err, upstream.Denied)
	want := []string{"https://proxy.example/a.b/@latest", "https://storage.example/x", "http://proxy.example/a.b/@latest"}
	if diff := cmp.Diff(want, l.lines); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

// What asks for the rest of a zip still does when it is repeated.
func TestRepeatedRequestIsTheSame(t *testing.T) {
	var headers []http.Header
	u := newHTTP(t, "https://proxy.example", &upstream.HTTPOptions{Credentials: &renewed{"old", "good", nil, &log{}},
		Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			h := r.Header.Clone()
			h.Del("X-Token")
			headers = append(headers, h)
			return answer(r, 401, ""), nil
		})})
	ctx := upstream.WithResumePoint(t.Context(), upstream.ResumePoint{Offset: 7, Validator: `"x"`})
	_, err := u.Fetch(ctx, request(t, "a.b/@v/v1.0.0.zip"))
	wantError(t, err, upstream.Denied)
	if len(headers) != 2 || headers[0].Get("Range") != "bytes=7-" {
		t.Fatalf("requests: %v", headers)
	}
	if diff := cmp.Diff(headers[0], headers[1]); diff != "" {
		t.Errorf("the repeat differs (-first +repeat):\n%s", diff)
	}
}
