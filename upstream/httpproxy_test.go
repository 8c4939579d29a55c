package upstream_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/breakwater-go/breakwater/upstream"
)

const proxiedChild = "BREAKWATER_TEST_PROXIED_CHILD"

// The default Transport goes through the proxy that the environment names, but
// not to the hosts that NO_PROXY names. net/http reads the environment once in a
// process, so each case has a process of its own.
func TestHTTPHonoursProxySettings(t *testing.T) {
	if source := os.Getenv(proxiedChild); source != "" {
		askProxied(t, source)
		return
	}
	asked := make(chan string, 10)
	serve := func(name string) *httptest.Server {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked <- name
			fmt.Fprintln(w, "v1.0.0")
		}))
		t.Cleanup(s.Close)
		return s
	}
	proxy, source := serve("proxy"), serve("source")
	// The unspecified address reaches this machine, and unlike a loopback
	// address it is not exempt from proxies by itself.
	sourceURL := strings.Replace(source.URL, "127.0.0.1", "0.0.0.0", 1)
	for _, tt := range []struct{ noProxy, want string }{
		{"", "proxy"},
		{"other.example,0.0.0.0", "source"},
	} {
		child := exec.Command(os.Args[0], "-test.run=^TestHTTPHonoursProxySettings$")
		child.Env = append(os.Environ(), proxiedChild+"="+sourceURL,
			"HTTP_PROXY="+proxy.URL, "http_proxy=", "NO_PROXY="+tt.noProxy, "no_proxy=")
		if out, err := child.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if got := <-asked; got != tt.want {
			t.Errorf("NO_PROXY=%q: the %s was asked, want the %s", tt.noProxy, got, tt.want)
		}
	}
}

// askProxied is what the child does.
func askProxied(t *testing.T, source string) {
	u, err := upstream.NewHTTP(source, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := upstream.ReadList(t.Context(), u, "example.com/a"); err != nil {
		t.Fatal(err)
	}
}
