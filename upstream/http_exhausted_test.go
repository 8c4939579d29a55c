package upstream_test

import (
	"net"
	"net/http"
	"os"
	"syscall"
	"testing"

	"github.com/breakwater-go/breakwater/upstream"
)

// That this machine has no more file descriptors is no source's failure.
func TestHTTPExhaustionBlamesNobody(t *testing.T) {
	u := over(t, "https://proxy.example", func(*http.Request) (*http.Response, error) {
		return nil, &net.OpError{Op: "dial", Err: os.NewSyscallError("socket", syscall.EMFILE)}
	})
	_, err := u.Fetch(t.Context(), request(t, "a.b/c/@latest"))
	if e := wantError(t, err, upstream.Overloaded); e.Source != "" {
		t.Errorf("%s is blamed", e.Source)
	}
}

// An answer that ends with its connection and nothing else may have broken off.
func TestHTTPAnswerWithoutEnd(t *testing.T) {
	u := over(t, "http://proxy.example", func(r *http.Request) (*http.Response, error) {
		resp := answer(r, 200, "module m\n")
		resp.ContentLength, resp.Close = -1, true
		return resp, nil
	})
	for key, ok := range map[string]bool{"a.b/c/@v/v1.0.0.mod": false, "a.b/c/@v/list": false, "a.b/c/@v/v1.0.0.zip": true} {
		resp, err := u.Fetch(t.Context(), request(t, key))
		if (err == nil) != ok {
			t.Errorf("%s: %v", key, err)
		}
		if err == nil {
			resp.Body.Close()
		}
	}
}
