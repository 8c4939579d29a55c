package fetch_test

import (
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/breakwater-go/breakwater/breaker"
	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
)

// Many callers of many files through all layers, while the source fails now and
// then: nobody ever reads a wrong byte, and each file that came whole once is
// not asked for again.
func TestManyReadersAndWriters(t *testing.T) {
	o := newOrigin(t)
	o.Fail(func(w http.ResponseWriter, r *http.Request) bool {
		switch rand.IntN(6) {
		case 0:
			return breakOff(w, r)
		case 1:
			return page(w, r)
		case 2:
			w.WriteHeader(503)
			return true
		}
		return false
	})
	opts := proxyOptions(serve(t, o))
	opts.CacheDir = t.TempDir()
	opts.MemoryBytes = 64 << 10 // small, so that entries come and go
	opts.Circuit = &breaker.CircuitOptions{ConsecutiveFailures: 1 << 30, FailureRate: 2}
	opts.Retry = &breaker.RetryOptions{
		Tries: 30, FirstWait: time.Millisecond, MaxWait: time.Millisecond,
		Budget: upstream.NewBudget(1, 1000, 1), // half of the requests fail: by the default it could be used up
	}
	c := newClient(t, opts)
	var files []upstream.Request
	for _, key := range o.Keys() {
		req, err := upstream.ParsePath("/" + key)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, req)
	}
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			for _, i := range rand.Perm(len(files)) {
				readChecked(t, c, files[i], o.File(files[i].Key()))
			}
		})
	}
	all.Wait()
	o.Fail(nil)
	o.Asked()
	for _, req := range files {
		readChecked(t, c, req, o.File(req.Key()))
	}
	if asked := o.Asked(); asked != nil {
		t.Errorf("asked again for %v", asked)
	}
}

func readChecked(t *testing.T, c *fetch.Client, req upstream.Request, want []byte) {
	data, err := upstream.ReadAll(t.Context(), c, req)
	if err != nil {
		t.Error(err)
	} else if string(data) != string(want) {
		t.Errorf("%v: wrong bytes", req)
	}
}
