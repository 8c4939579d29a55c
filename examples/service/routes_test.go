package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/breakwater-go/breakwater/upstream"
)

// Whoever tries tokens is slowed down, whichever page he tries them at.
func TestTokensCannotBeTriedAtWill(t *testing.T) {
	for _, path := range []string{"/me", "/goproxy/example.com/dep/@v/list", "/nothing"} {
		t.Run(path, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				handler := routes(upstream.Off(), table{}, "example.com/hello", io.Discard)
				var tries sync.WaitGroup
				answers := make(chan int, 3000)
				for range cap(answers) {
					tries.Go(func() {
						r := httptest.NewRequest(http.MethodGet, path, nil)
						r.SetBasicAuth("ann", "guess")
						w := httptest.NewRecorder()
						handler.ServeHTTP(w, r)
						answers <- w.Code
					})
				}
				tries.Wait()
				close(answers)
				times := map[int]int{}
				for code := range answers {
					times[code]++
				}
				if times[http.StatusTooManyRequests] == 0 {
					t.Errorf("how often each status is the answer: %v, want some of 429", times)
				}
			})
		})
	}
}
