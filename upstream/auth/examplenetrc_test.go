package auth_test

import (
	"context"
	"fmt"
	"net/http"

	"github.com/breakwater-go/breakwater/upstream/auth"
)

// What a netrc file has, without the passwords when it is printed.
func ExampleParseNetrc() {
	for _, login := range auth.ParseNetrc("machine proxy.example login ci password s3cret\nmachine lacks.example login ci\n") {
		fmt.Println(login, login.Name)
	}
	// Output: proxy.example ci
}

// One password for all that is below a prefix, and for nothing else.
func ExampleBasic() {
	creds, err := auth.Basic("ci", func(context.Context) (string, error) { return "s3cret", nil }, "proxy.example/private")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, url := range []string{"https://proxy.example/private/@v/list", "https://proxy.example/privateer", "https://mirror.example/private"} {
		r, err := http.NewRequest(http.MethodGet, url, nil)
		if err != nil {
			fmt.Println(err)
			return
		}
		header, err := creds.Header(context.Background(), r.URL)
		fmt.Println(url, header.Get("Authorization") != "", err)
	}
	// Output:
	// https://proxy.example/private/@v/list true <nil>
	// https://proxy.example/privateer false <nil>
	// https://mirror.example/private false <nil>
}
