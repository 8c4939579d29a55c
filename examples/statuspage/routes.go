package main

import (
	"net/http"

	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/fetch/guard"
	"github.com/breakwater-go/breakwater/upstream"
)

// routes is the service: modules for everybody who reaches it, the status page for
// those whom may lets through, for it names private modules.
func routes(client *fetch.Client, status http.Handler, may guard.Check) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/goproxy/", http.StripPrefix("/goproxy", fetch.NewHandler(client, nil)))
	mux.HandleFunc("/status", func(w http.ResponseWriter, r *http.Request) {
		if err := may(r, upstream.Request{}); err != nil || isForwarded(r) {
			http.Error(w, "you may not see this", http.StatusForbidden)
			return
		}
		status.ServeHTTP(w, r)
	})
	return mux
}

// isForwarded reports whether a reverse proxy has brought the request, whose address
// then says nothing of who asks. It is known by what it adds.
func isForwarded(r *http.Request) bool {
	for _, added := range []string{"Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip"} {
		if _, ok := r.Header[added]; ok {
			return true
		}
	}
	return false
}
