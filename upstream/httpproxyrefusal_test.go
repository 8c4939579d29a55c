package upstream_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/breakwater-go/breakwater/upstream"
)

const refusedChild = "BREAKWATER_TEST_REFUSED_CHILD"

// Where a forward proxy does not let us through, the error names it, without its
// password, and it does not help to ask again unless the proxy is only overloaded. The
// environment is read once in a process.
func TestHTTPNamesTheProxyThatRefuses(t *testing.T) {
	if os.Getenv(refusedChild) != "" {
		askThroughProxy(t)
		return
	}
	for _, tt := range []struct {
		status int
		pass   string
	}{{http.StatusProxyAuthRequired, "false"}, {http.StatusForbidden, "false"}, {http.StatusBadGateway, "true"}} {
		proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(tt.status) }))
		u, err := url.Parse(proxy.URL)
		if err != nil {
			t.Fatal(err)
		}
		u.User = url.UserPassword("ann", "s3cret")
		child := exec.Command(os.Args[0], "-test.run=^TestHTTPNamesTheProxyThatRefuses$")
		child.Env = append(os.Environ(), refusedChild+"=1", "HTTPS_PROXY="+u.String(), "https_proxy=", "NO_PROXY=", "no_proxy=")
		out, err := child.CombinedOutput()
		proxy.Close()
		text := string(out)
		for _, want := range []string{"the proxy http://xxxxx@" + u.Host + " answered", http.StatusText(tt.status), "may pass: " + tt.pass} {
			if !strings.Contains(text, want) {
				t.Errorf("%d: %q is not in %v\n%s", tt.status, want, err, text)
			}
		}
		if strings.Contains(text, "s3cret") {
			t.Errorf("%d: the password is in the error: %s", tt.status, text)
		}
	}
}

func askThroughProxy(t *testing.T) {
	source, err := upstream.NewHTTP("https://proxy.example", nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = upstream.ReadList(t.Context(), source, "example.com/hello")
	e, ok := errors.AsType[*upstream.Error](err)
	if !ok {
		t.Fatal(err)
	}
	t.Fatalf("%v; may pass: %v", e, e.MayPass())
}
