package auth_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/upstream/auth"
)

// A private proxy lets in who has a line in the netrc file.
func Example() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "ci" || password != "s3cret" {
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		fmt.Fprintln(w, "v1.0.0")
	}))
	defer server.Close()

	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	netrc := filepath.Join(dir, "netrc")
	line := "machine " + server.Listener.Addr().String() + " login ci password s3cret\n"
	if err := os.WriteFile(netrc, []byte(line), 0o600); err != nil {
		fmt.Println(err)
		return
	}

	creds, err := auth.New("netrc", &auth.Options{Netrc: netrc}) // or what GOAUTH says, and nil
	if err != nil {
		fmt.Println(err)
		return
	}
	source, err := upstream.NewHTTP(server.URL, &upstream.HTTPOptions{Name: "https://proxy.example", Credentials: creds})
	if err != nil {
		fmt.Println(err)
		return
	}
	versions, err := upstream.ReadList(context.Background(), source, "corp.example/lib")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(versions[0].Version)
	// Output: v1.0.0
}

// A token that changes is had from a function, which should remember it.
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
	src, err := upstream.NewHTTP(server.URL, &upstream.HTTPOptions{Name: "https://proxy.example", Credentials: creds})
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

// Credentials for one server before those of the user, and no secret in what is
// printed of them.
func ExampleFirst() {
	own, err := auth.Basic("ci", func(context.Context) (string, error) { return "s3cret", nil }, "proxy.example/modules")
	if err != nil {
		fmt.Println(err)
		return
	}
	creds := auth.First(own, auth.Netrc(os.DevNull)) // for you: auth.Netrc("")
	fmt.Println(creds)
	for _, url := range []string{"https://proxy.example/modules/@v/list", "https://proxy.example/other"} {
		r, err := http.NewRequest(http.MethodGet, url, nil)
		if err != nil {
			fmt.Println(err)
			return
		}
		header, err := creds.Header(context.Background(), r.URL)
		fmt.Println(r.URL.Path, len(header), err)
	}
	// Output:
	// [auth(basic for proxy.example/modules) auth(netrc)]
	// /modules/@v/list 1 <nil>
	// /other 0 <nil>
}

// The value of GOAUTH, as the go command takes it.
func ExampleNew() {
	creds, err := auth.New("netrc", nil)
	fmt.Println(creds, err)
	_, err = auth.New("off;netrc", nil)
	fmt.Println(err != nil)
	// Output:
	// auth(netrc) <nil>
	// true
}
