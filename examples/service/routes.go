package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/fetch/audit"
	"github.com/breakwater-go/breakwater/fetch/guard"
	"github.com/breakwater-go/breakwater/upstream"
)

// routes is the service's own page and, below /goproxy/, modules: open ones for
// all of its users, private ones for those with the right.
func routes(f fetch.Fetcher, users table, private string, record io.Writer) http.Handler {
	who := guard.BasicFunc("service", users.signIn)
	modules := fetch.NewHandler(f, &fetch.HandlerOptions{
		Authorize: guard.AllOf(who.Check, guard.Only(private, rights(who, users))),
		Caller:    who.Caller,
		Audit:     audit.LogJSON(record),
	})
	mux := http.NewServeMux()
	mux.Handle("GET /me", page(who))
	mux.Handle("/goproxy/", http.StripPrefix("/goproxy", modules))
	// Before all that asks for a token, so that nowhere they can be tried at will.
	return guard.Rate(mux, nil)
}

// rights asks the table for each request, so that a right that is taken away is
// gone with the next one, also for what is in the cache.
func rights(who guard.Authenticator, users table) guard.Check {
	return func(r *http.Request, _ upstream.Request) error {
		name, err := who(r)
		if err == nil && !users.mayHavePrivate(name) {
			err = errors.New("private modules are for users with that right: ask whoever runs the service for it")
		}
		return err
	}
}

// page is what the service had before there were modules in it.
func page(who guard.Authenticator) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, err := who(r)
		if err != nil {
			w.Header().Set("WWW-Authenticate", `Basic realm="service"`)
			http.Error(w, err.Error(), http.StatusUnauthorized)
			return
		}
		fmt.Fprintf(w, "You are %s.\n", name)
	})
}
