package auth_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/upstream/auth"
)

func ExampleBearer() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer token-of-the-day" {
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		fmt.Fprintln(w, "v1.0.0")
	}))
	defer server.Close()

	fromVault := func(context.Context) (string, error) { return "token-of-the-day", nil }
	creds, err := auth.Bearer(fromVault, server.URL)
	if err != nil {
		fmt.Println(err)
		return
	}
	src, err := upstream.NewHTTP(server.URL, &upstream.HTTPOptions{Name: "private", Credentials: creds})
	if err != nil {
		fmt.Println(err)
		return
	}
	versions, err := upstream.ReadList(context.Background(), src, "corp.example/lib")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(versions[0].Version)
	// Output: v1.0.0
}

func ExampleNew() {
	creds, err := auth.New("netrc", nil) // or as GOAUTH says
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%+v\n", upstream.HTTPOptions{Name: "private", Credentials: creds}.Credentials)
	// Output: auth(netrc)
}
