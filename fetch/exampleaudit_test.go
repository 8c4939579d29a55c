package fetch_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"testing/fstest"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/fetch/audit"
	"github.com/breakwater-go/breakwater/upstream"
	"golang.org/x/mod/module"
)

// A handler that knows its users keeps one team's modules from the others, and
// account of who got what. Here the account goes to the terminal; audit.Log writes
// it to a log.
func ExampleHandlerOptions() {
	c, err := fetch.New(&fetch.Options{
		Upstream: upstream.FS("files", fstest.MapFS{
			"example.com/hello/@v/v1.1.0.mod": {Data: []byte("module example.com/hello\n")},
		}),
		Store: cache.NewMemory(nil),
		Go:    &fetch.GoSettings{GOSUMDB: "off"}, // no database knows these files
	})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	h := fetch.NewHandler(c, &fetch.HandlerOptions{
		Authorize: func(r *http.Request, req upstream.Request) error {
			user, password, _ := r.BasicAuth()
			switch {
			case password != "s3cret": // compare in constant time, as package guard does
				return &fetch.UnauthorizedError{}
			case user != "ann" && module.MatchPrefixPatterns("example.com/*", req.Module()):
				return errors.New("example.com is team a's, ask there for access")
			}
			return nil
		},
		Caller: func(r *http.Request) string {
			user, _, _ := r.BasicAuth()
			return user
		},
		Audit: func(_ context.Context, r audit.Record) {
			fmt.Printf("%q %s %s@%s: %s (%d, %d bytes)\n", r.Caller, r.Decision, r.Module, r.Version, r.Reason, r.Status, r.Sent)
		},
	})
	for _, user := range []string{"", "bob", "ann"} {
		r := httptest.NewRequest("GET", "/example.com/hello/@v/v1.1.0.mod", nil)
		if user != "" {
			r.SetBasicAuth(user, "s3cret")
		}
		h.ServeHTTP(httptest.NewRecorder(), r)
	}
	// Output:
	// "" denied example.com/hello@v1.1.0: denied: say who you are: have credentials for this host in a netrc file or set GOAUTH (go help goauth), and use https: the netrc file's line is "machine example.com login ... password ..." (401, 0 bytes)
	// "bob" denied example.com/hello@v1.1.0: denied: example.com is team a's, ask there for access (403, 0 bytes)
	// "ann" allowed example.com/hello@v1.1.0:  (200, 25 bytes)
}
