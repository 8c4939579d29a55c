package main

import (
	"net/http"

	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/fetch/guard"
)

// newServer returns a server for the modules that f gets. What matches private
// is for callers whom who knows; to others it looks as if it did not exist.
func newServer(f fetch.Fetcher, who *login, private string) *http.Server {
	users := guard.FirstOf(who.bearer(), who.password())
	modules := fetch.NewHandler(f, &fetch.HandlerOptions{
		Authorize: guard.Only(private, guard.Hidden(users.Check, nil)),
		Caller:    users.Caller,
	})
	// The limit stands first: a made-up token has the provider asked for new keys.
	return guard.Server(guard.Rate(modules, nil), nil)
}
