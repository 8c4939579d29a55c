package upstream_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
)

// redirecting answers with the redirects in table, from URL to Location, and
// else with a body. It writes down where it was asked, and with what.
func redirecting(table map[string]string, l *log) roundTrip {
	return func(r *http.Request) (*http.Response, error) {
		line := r.URL.String()
		if r.Header.Get("Authorization") != "" {
			line += " with credentials"
		}
		if ref := r.Header.Get("Referer"); ref != "" {
			line += " from " + ref
		}
		l.add(line)
		if to, ok := table[r.URL.String()]; ok {
			return answer(r, 302, "", "Location", to), nil
		}
		return answer(r, 200, "body"), nil
	}
}

func TestRedirectDropsCredentials(t *testing.T) {
	const start = "https://proxy.example/a.b/@latest"
	tests := []struct{ name, to, want string }{
		{"same host", "https://proxy.example/else", "https://proxy.example/else with credentials"},
		{"relative", "/else", "https://proxy.example/else with credentials"},
		{"another host", "https://storage.example/x?token=1", "https://storage.example/x?token=1"},
		{"subdomain", "https://cdn.proxy.example/x", "https://cdn.proxy.example/x"},
		{"another port", "https://proxy.example:8443/x", "https://proxy.example:8443/x"},
		{"parent", "https://example/x", "https://example/x"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			l := &log{}
			u := over(t, "https://user:pw@proxy.example", redirecting(map[string]string{start: test.to}, l))
			data, err := upstream.ReadAll(t.Context(), u, request(t, "a.b/@latest"))
			if err != nil || string(data) != "body" {
				t.Fatalf("body %q, error %v", data, err)
			}
			if diff := cmp.Diff([]string{start + " with credentials", test.want}, l.lines); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
		})
	}
}

// What a redirect says of user and password is sent in private only, to its own host too.
func TestRedirectWithUserInTheClear(t *testing.T) {
	l := &log{}
	u := over(t, "http://proxy.example", redirecting(map[string]string{
		"http://proxy.example/a.b/@latest": "http://user:hunter2@proxy.example/else",
	}, l))
	if _, err := upstream.ReadAll(t.Context(), u, request(t, "a.b/@latest")); err != nil {
		t.Fatal(err)
	}
	want := []string{"http://proxy.example/a.b/@latest", "http://user:hunter2@proxy.example/else"}
	if diff := cmp.Diff(want, l.lines); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

// Once dropped, credentials do not come back on the way to a third host.
func TestRedirectChainDropsCredentials(t *testing.T) {
	l := &log{}
	u := over(t, "https://user:pw@proxy.example", redirecting(map[string]string{
		"https://proxy.example/a.b/@latest": "https://cdn.proxy.example/1?sig=2",
		"https://cdn.proxy.example/1?sig=2": "https://far.cdn.proxy.example/3",
	}, l))
	if _, err := upstream.ReadAll(t.Context(), u, request(t, "a.b/@latest")); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"https://proxy.example/a.b/@latest with credentials",
		"https://cdn.proxy.example/1?sig=2", "https://far.cdn.proxy.example/3",
	}
	if diff := cmp.Diff(want, l.lines); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

// A signed URL is a credential too, and what fails is often the second hop.
func TestRedirectFailures(t *testing.T) {
	const start = "https://proxy.example/a.b/@latest"
	tests := []struct{ name, to, says string }{
		{"to http", "http://storage.example/x?token=hunter2", "insecure URL http://storage.example/x"},
		{"to http with user", "http://u:hunter2@proxy.example/x", "insecure URL"},
		{"to nowhere", "https://down.example/x?token=hunter2", "connection refused"},
		{"to another scheme", "ftp://storage.example/x?token=hunter2", "insecure URL ftp://storage.example/x"},
		{"unreadable", "https://[storage.example/x?token=hunter2", "redirected to an invalid URL"},
		{"unreadable escape", "https://storage.example/%zz?token=hunter2", "redirected to an invalid URL"},
		{"unreadable port", "https://storage.example:hunter2/", "redirected to an invalid URL"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			next := redirecting(map[string]string{start: test.to}, nil)
			u := over(t, "https://proxy.example", func(r *http.Request) (*http.Response, error) {
				if r.URL.Host == "down.example" {
					return refused(r)
				}
				return next(r)
			})
			_, err := u.Fetch(t.Context(), request(t, "a.b/@latest"))
			e := wantError(t, err, upstream.Unavailable)
			if text := e.Error(); strings.Contains(text, "hunter2") || !strings.Contains(text, test.says) {
				t.Errorf("error says %q, want %q in it and no token", text, test.says)
			}
		})
	}
}

// What places a call in a trace is for the source that was named, and for nobody that
// it leads to; as credentials, it does not come back on the way.
func TestRedirectDropsTraceContext(t *testing.T) {
	const start = "https://proxy.example/a.b/@latest"
	type asked struct{ URL, Parent, State string }
	traced := func(url string) asked { return asked{url, traceParent, traceState} }
	bare := func(url string) asked { return asked{URL: url} }
	tests := []struct {
		name  string
		table map[string]string
		want  []asked
	}{
		{"none", nil, []asked{traced(start)}},
		{"same host", map[string]string{start: "/else"}, []asked{traced(start), traced("https://proxy.example/else")}},
		{"another host", map[string]string{start: "https://storage.example/x"}, []asked{traced(start), bare("https://storage.example/x")}},
		{"subdomain", map[string]string{start: "https://cdn.proxy.example/x"}, []asked{traced(start), bare("https://cdn.proxy.example/x")}},
		{"another port", map[string]string{start: "https://proxy.example:8443/x"}, []asked{traced(start), bare("https://proxy.example:8443/x")}},
		{
			"there and back",
			map[string]string{start: "https://storage.example/x", "https://storage.example/x": "https://proxy.example/y"},
			[]asked{traced(start), bare("https://storage.example/x"), bare("https://proxy.example/y")},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var got []asked
			next := redirecting(test.table, nil)
			u := over(t, "https://proxy.example", func(r *http.Request) (*http.Response, error) {
				got = append(got, asked{r.URL.String(), r.Header.Get("Traceparent"), r.Header.Get("Tracestate")})
				return next(r)
			})
			ctx := upstream.WithTraceContext(t.Context(), traceParent, traceState)
			if _, err := upstream.ReadAll(ctx, u, request(t, "a.b/@latest")); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
		})
	}
}

// A call of no trace sends neither field.
func TestNoTraceContextIsSent(t *testing.T) {
	var got http.Header
	u := over(t, "https://proxy.example", func(r *http.Request) (*http.Response, error) {
		got = r.Header
		return answer(r, 200, "body"), nil
	})
	ctx := upstream.WithTraceContext(t.Context(), "malformed", traceState)
	if _, err := upstream.ReadAll(ctx, u, request(t, "a.b/@latest")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"Traceparent", "Tracestate"} {
		if values, ok := got[name]; ok {
			t.Errorf("%s is sent: %q", name, values)
		}
	}
}

func TestRedirectWithoutLocation(t *testing.T) {
	_, err := over(t, "https://proxy.example", always(302, "")).Fetch(t.Context(), request(t, "a.b/@latest"))
	if e := wantError(t, err, upstream.Unavailable); e.Status != 302 && e.Err == nil {
		t.Errorf("error says nothing: %v", err)
	}
}

func TestRedirectsEnd(t *testing.T) {
	const requests = 10 // of which the last answers; the go command counts the same way
	for _, hops := range []int{requests - 1, requests, requests + 1} {
		table := make(map[string]string)
		at := "https://proxy.example/a.b/@latest"
		for i := range hops {
			to := fmt.Sprintf("https://proxy.example/%d?token=hunter2", i)
			table[at], at = to, to
		}
		l := &log{}
		_, err := over(t, "https://proxy.example", redirecting(table, l)).Fetch(t.Context(), request(t, "a.b/@latest"))
		if len(l.lines) != requests || (err == nil) != (hops < requests) {
			t.Errorf("%d redirects: %d requests, error %v", hops, len(l.lines), err)
		}
		if err != nil {
			if e := wantError(t, err, upstream.Unavailable); strings.Contains(e.Error(), "hunter2") {
				t.Errorf("error holds a token: %v", e)
			}
		}
	}
}
