package guard_test

import (
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"testing/fstest"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/fetch/guard"
	"github.com/breakwater-go/breakwater/upstream"
)

func Example() {
	client, err := fetch.New(&fetch.Options{
		Upstream: upstream.FS("files", fstest.MapFS{
			"corp.example/secret/@v/list": {Data: []byte("v1.0.0\n")},
			"corp.example/tools/@v/list":  {Data: []byte("v1.2.0\n")},
		}),
		Store: cache.NewMemory(nil),
		Go:    &fetch.GoSettings{GOSUMDB: "off"}, // no database knows these files
	})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	users := guard.Basic("modules", map[string]string{"ann": "ann's password", "bob": "bob's password"})
	modules := fetch.NewHandler(client, &fetch.HandlerOptions{
		Authorize: guard.AllOf(
			users.Check,
			guard.Only("corp.example/secret", guard.Hidden(users.Users("ann"), nil)),
		),
		Caller: users.Caller,
	})
	server := guard.Server(guard.Rate(modules, nil), nil)

	for _, user := range []string{"ann", "bob", "eve"} {
		for _, module := range []string{"corp.example/tools", "corp.example/secret"} {
			r := httptest.NewRequest("GET", "/"+module+"/@v/list", nil)
			r.SetBasicAuth(user, user+"'s password")
			w := httptest.NewRecorder()
			server.Handler.ServeHTTP(w, r)
			fmt.Println(user, module, http.StatusText(w.Code))
		}
	}
	// Output:
	// ann corp.example/tools OK
	// ann corp.example/secret OK
	// bob corp.example/tools OK
	// bob corp.example/secret Not Found
	// eve corp.example/tools Unauthorized
	// eve corp.example/secret Unauthorized
}
