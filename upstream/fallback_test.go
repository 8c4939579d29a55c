package upstream_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
)

// Only absence, and nothing else, lets a "," go on to the next source.
func TestGOPROXYFallback(t *testing.T) {
	tests := []struct {
		name  string
		first roundTrip
		class upstream.Class
	}{
		{"404", always(404, ""), upstream.NotFound},
		{"410", always(410, ""), upstream.NotFound},
		{"401", always(401, ""), upstream.Denied},
		{"403", always(403, ""), upstream.Denied},
		{"451", always(451, ""), upstream.Denied},
		{"408", always(408, ""), upstream.Timeout},
		{"504", always(504, ""), upstream.Timeout},
		{"429", always(429, ""), upstream.Unavailable},
		{"500", always(500, ""), upstream.Unavailable},
		{"502", always(502, ""), upstream.Unavailable},
		{"503", always(503, ""), upstream.Unavailable},
		{"204", always(204, ""), upstream.Unavailable},
		{"206", always(206, "x"), upstream.Unavailable},
		{"304", always(304, ""), upstream.Unavailable},
		{"400", always(400, ""), upstream.Unavailable},
		{"refused", refused, upstream.Unavailable},
		{"hanging", hanging, upstream.Timeout},
	}
	seconds := []struct {
		name string
		rt   roundTrip
	}{{"has it", always(200, "body")}, {"has it not", always(404, "")}}

	for _, test := range tests {
		for _, separator := range []string{",", "|"} {
			for _, second := range seconds {
				t.Run(fmt.Sprint(test.name, separator, second.name), func(t *testing.T) {
					goesOn := separator == "|" || test.class == upstream.NotFound
					hasIt := goesOn && second.name == "has it"
					synctest.Test(t, func(t *testing.T) {
						asked, body, err := fetchFrom(t, separator, test.first, second.rt)
						want := []string{"a.example"}
						if goesOn {
							want = append(want, "b.example")
						}
						if diff := cmp.Diff(want, asked); diff != "" {
							t.Errorf("asked (-want +got):\n%s", diff)
						}
						if hasIt {
							if err != nil || body != "body" {
								t.Errorf("body is %q, error %v", body, err)
							}
							return
						}
						wantError(t, err, test.class) // a failure outranks the second source's 404
					})
				})
			}
		}
	}
}

// fetchFrom asks a list of two proxies, and returns the hosts that were asked.
func fetchFrom(t *testing.T, separator string, first, second roundTrip) (asked []string, body string, err error) {
	hosts := &log{}
	rt := roundTrip(func(r *http.Request) (*http.Response, error) {
		hosts.add(r.URL.Host)
		if r.URL.Host == "a.example" {
			return first(r)
		}
		return second(r)
	})
	list := strings.Join([]string{"https://a.example", "https://b.example"}, separator)
	u, err := upstream.NewGOPROXY(list, &upstream.HTTPOptions{Transport: rt})
	if err != nil {
		t.Fatal(err)
	}
	resp, err := u.Fetch(t.Context(), request(t, "a.b/c/@latest"))
	if err != nil {
		return hosts.lines, "", err
	}
	body, err = readBody(resp)
	return hosts.lines, body, err
}

func TestFallbackStopsAtSuccess(t *testing.T) {
	asked := &log{}
	u := upstream.Fallback(
		upstream.Step{Upstream: &source{name: "a", log: asked}, OnAnyError: true},
		upstream.Step{Upstream: &source{name: "b", log: asked}},
	)
	resp, err := u.Fetch(t.Context(), request(t, "a.b/c/@latest"))
	if err != nil || resp.Source != "a" {
		t.Errorf("answered by %+v, error %v", resp, err)
	}
	if diff := cmp.Diff([]string{"a"}, asked.lines); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
}

func TestGOPROXYEnds(t *testing.T) {
	for _, end := range []string{"direct", "off"} {
		u, err := upstream.NewGOPROXY(end, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, err = u.Fetch(t.Context(), request(t, "a.b/c/@latest"))
		if e := wantError(t, err, upstream.NotFound); e.Source != end || e.Err == nil {
			t.Errorf("%s: error names source %q and cause %v", end, e.Source, e.Err)
		}
	}
	// They do not turn an outage into absence.
	for _, end := range []string{"direct", "off"} {
		u, _ := upstream.NewGOPROXY("https://a.example|"+end, &upstream.HTTPOptions{Transport: roundTrip(refused)})
		_, err := u.Fetch(t.Context(), request(t, "a.b/c/@latest"))
		wantError(t, err, upstream.Unavailable)
	}
}

func TestFallbackWithoutSteps(t *testing.T) {
	_, err := upstream.Fallback().Fetch(t.Context(), request(t, "a.b/c/@latest"))
	wantError(t, err, upstream.Unavailable)
}

// A caller who goes away after the first "not found" has not learned what the
// sources behind it would have said.
func TestFallbackEndsWithTheCaller(t *testing.T) {
	for _, first := range []upstream.Class{upstream.NotFound, upstream.Unavailable} {
		asked := &log{}
		ctx, cancel := context.WithCancel(t.Context())
		leaving := upstream.Func(func(_ context.Context, req upstream.Request) (*upstream.Response, error) {
			cancel()
			return nil, &upstream.Error{Class: first, Request: req, Source: "a"}
		})
		u := upstream.Fallback(
			upstream.Step{Upstream: leaving, OnAnyError: true},
			upstream.Step{Upstream: &source{name: "b", log: asked}},
		)
		_, err := u.Fetch(ctx, request(t, "a.b/c/@latest"))
		wantError(t, err, upstream.Canceled)
		if asked.lines != nil {
			t.Errorf("after %v: asked %v for a caller who had gone", first, asked.lines)
		}
	}
}

func TestFallbackKeepsAnAnswerThatIsComplete(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	u := upstream.Fallback(upstream.Step{Upstream: upstream.Func(func(_ context.Context, req upstream.Request) (*upstream.Response, error) {
		cancel()
		return nil, &upstream.Error{Class: upstream.NotFound, Request: req}
	})})
	_, err := u.Fetch(ctx, request(t, "a.b/c/@latest"))
	wantError(t, err, upstream.NotFound) // everybody was asked
}

// Nor is a step behind a "," asked for a caller who has gone.
func TestFallbackEndsWithTheCallerBehindAComma(t *testing.T) {
	asked := &log{}
	ctx, cancel := context.WithCancel(t.Context())
	leaving := upstream.Func(func(_ context.Context, req upstream.Request) (*upstream.Response, error) {
		cancel()
		return nil, &upstream.Error{Class: upstream.NotFound, Request: req, Source: "a"}
	})
	_, err := joined(",", leaving, &source{name: "b", log: asked}).Fetch(ctx, request(t, "a.b/c/@latest"))
	wantError(t, err, upstream.Canceled)
	if asked.lines != nil {
		t.Errorf("asked %v for a caller who had gone", asked.lines)
	}
}
