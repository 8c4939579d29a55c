package guard_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"time"

	"github.com/breakwater-go/breakwater/fetch/guard"
	"github.com/breakwater-go/breakwater/upstream"
)

// People have passwords, and programs have tokens of an identity provider.
func ExampleFirstOf() {
	verify := func(_ context.Context, token string) (string, error) { // for you: ask the provider
		if token != "token of the build" {
			return "", errors.New("this token is not valid")
		}
		return "build", nil
	}
	users := guard.FirstOf(
		guard.Basic("modules", map[string]string{"ann": "ann's password"}),
		guard.BearerFunc("modules", verify),
	)

	r := httptest.NewRequest("GET", "/golang.org/x/mod/@v/list", nil)
	r.Header.Set("Authorization", "Bearer token of the build")
	fmt.Println(users(r))

	r.SetBasicAuth("ann", "ann's password")
	fmt.Println(users(r))
	// Output:
	// build <nil>
	// ann <nil>
}

// One namespace is for two people; all other modules are for everybody.
func ExampleOnly() {
	users := guard.Basic("modules", map[string]string{"ann": "a", "bob": "b", "eve": "e"})
	check := guard.Only("corp.example/secret", users.Users("ann", "bob"))

	for _, path := range []string{"corp.example/secret/v2", "corp.example/SECRET.git", "golang.org/x/mod"} {
		req, err := upstream.NewRequest(upstream.List, path, "")
		if err != nil {
			fmt.Println(err)
			return
		}
		r := httptest.NewRequest("GET", req.URLPath(), nil)
		r.SetBasicAuth("eve", "e")
		fmt.Println(path, check(r, req) == nil)
	}
	// Output:
	// corp.example/secret/v2 false
	// corp.example/SECRET.git false
	// golang.org/x/mod true
}

// A namespace that others are not to know of does not exist for them.
func ExampleHidden() {
	users := guard.Basic("modules", map[string]string{"ann": "a"})
	check := guard.Hidden(users.Check, func(r *http.Request, req upstream.Request, err error) {
		fmt.Println("refused:", req)
	})
	req, err := upstream.NewRequest(upstream.List, "corp.example/secret", "")
	if err != nil {
		fmt.Println(err)
		return
	}
	err = check(httptest.NewRequest("GET", req.URLPath(), nil), req)
	fmt.Println(upstream.ClassOf(err))
	// Output:
	// refused: corp.example/secret/@v/list
	// not found
}

// Behind a reverse proxy at 10.0.0.2, the addresses of clients are in a header.
func ExampleNetworksBy() {
	client := guard.ForwardedFor(netip.MustParsePrefix("10.0.0.2/32"))
	check := guard.NetworksBy(client, netip.MustParsePrefix("192.0.2.0/24"))

	for _, from := range []string{"192.0.2.17", "198.51.100.4", "192.0.2.17, 198.51.100.4"} {
		r := httptest.NewRequest("GET", "/golang.org/x/mod/@v/list", nil)
		r.RemoteAddr = "10.0.0.2:34567"
		r.Header.Set("X-Forwarded-For", from)
		fmt.Println(from, check(r, upstream.Request{}) == nil)
	}
	// Output:
	// 192.0.2.17 true
	// 198.51.100.4 false
	// 192.0.2.17, 198.51.100.4 false
}

// Two requests at once and one more each second, for each client.
func ExampleRate() {
	modules := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "v1.0.0") })
	limited := guard.Rate(modules, &guard.RateOptions{PerSecond: 1, Burst: 2, Wait: -1})
	for range 3 {
		w := httptest.NewRecorder()
		limited.ServeHTTP(w, httptest.NewRequest("GET", "/golang.org/x/mod/@v/list", nil))
		fmt.Println(w.Code)
	}
	// Output:
	// 200
	// 200
	// 429
}

// A server that answers for one name only, and keeps no slow client for long.
func ExampleServer() {
	modules := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "v1.0.0") })
	server := guard.Server(modules, &guard.ServerOptions{
		Hosts:        []string{"modules.corp.example"},
		StallTimeout: time.Minute,
	})
	server.Addr = ":8080" // and then server.ListenAndServe

	for _, host := range []string{"modules.corp.example", "rebound.example"} {
		r := httptest.NewRequest("GET", "/golang.org/x/mod/@v/list", nil)
		r.Host = host
		w := httptest.NewRecorder()
		server.Handler.ServeHTTP(w, r)
		fmt.Println(host, w.Code)
	}
	// Output:
	// modules.corp.example 200
	// rebound.example 421
}
