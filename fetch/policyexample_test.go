package fetch_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"testing/fstest"
	"time"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
	"golang.org/x/mod/module"
)

// A company takes no module under a licence that it cannot keep, and nothing
// that has been out for less than a week.
func ExamplePolicy() {
	policy := fetch.Policy{
		Rules: []fetch.Rule{
			{Patterns: "example.com/viral", Reason: "its licence is not for us: ask legal@example.com"},
			{Patterns: "example.com/lib", Versions: ">=v1.4.0 <v1.4.3", Reason: "these lose data"},
		},
		Cooldown:       7 * 24 * time.Hour,
		CooldownExempt: "corp.example.com",
		MaxZipSize:     100 << 20,
		Check: func(ctx context.Context, m module.Version, zip io.ReaderAt, size int64) error {
			if m == (module.Version{Path: "example.com/lib", Version: "v1.0.0"}) {
				return errors.New("it has a known vulnerability: update to v1.5.0")
			}
			return nil
		},
	}
	info := func(version string) *fstest.MapFile {
		return &fstest.MapFile{Data: fmt.Appendf(nil, `{"Version":%q,"Time":"2021-01-01T00:00:00Z"}`, version)}
	}
	modules := upstream.FS("modules", fstest.MapFS{
		"example.com/lib/@v/list":        {Data: []byte("v1.0.0\nv1.4.1\nv1.5.0\n")},
		"example.com/lib/@v/v1.0.0.info": info("v1.0.0"),
		"example.com/lib/@v/v1.5.0.info": info("v1.5.0"),
	})
	client, err := fetch.New(&fetch.Options{
		Upstream: modules, Store: cache.NewMemory(nil), Go: &fetch.GoSettings{GOSUMDB: "off"},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	policed, err := policy.Wrap(client)
	if err != nil {
		log.Fatal(err)
	}
	defer policed.Close()

	ctx := context.Background()
	versions, err := upstream.ReadList(ctx, policed, "example.com/lib")
	fmt.Println(versions[0].Version, versions[1].Version, err)
	_, err = upstream.ReadMod(ctx, policed, module.Version{Path: "example.com/lib", Version: "v1.4.1"})
	fmt.Println(err)
	_, err = upstream.ReadList(ctx, policed, "example.com/viral/v2")
	fmt.Println(err)

	// Output:
	// v1.0.0 v1.5.0 <nil>
	// example.com/lib@v1.4.1 (mod): denied: denied by policy: these lose data
	// example.com/viral/v2 (list): denied: denied by policy: its licence is not for us: ask legal@example.com
}

// Wherever a Fetcher is taken, the policed one can be given, such as to a handler.
func ExamplePolicy_Wrap() {
	client, err := fetch.New(&fetch.Options{
		Upstream: upstream.FS("modules", fstest.MapFS{
			"golang.org/x/mod/@latest": {Data: []byte(`{"Version":"v0.32.0"}`)},
		}),
		Store: cache.NewMemory(nil), Go: &fetch.GoSettings{GOSUMDB: "off"},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	policy := fetch.Policy{Rules: []fetch.Rule{
		{Patterns: "golang.org/x", Allow: true},
		{Patterns: "*", Reason: "only what was reviewed"},
	}}
	policed, err := policy.Wrap(client)
	if err != nil {
		log.Fatal(err)
	}
	defer policed.Close()

	handler := fetch.NewHandler(policed, nil)
	for _, path := range []string{"golang.org/x/mod", "example.com/lib"} {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest("GET", "/"+path+"/@latest", nil))
		fmt.Println(w.Code, w.Body)
	}
	// Output:
	// 200 {"Version":"v0.32.0"}
	// 403 example.com/lib (latest): denied: denied by policy: only what was reviewed
}
