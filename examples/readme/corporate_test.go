//go:build unix

package readme_test

import (
	"encoding/base64"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
)

// A corporate network has one way out, a proxy that wants a login, on which
// connections end at a server whose certificate no public authority has signed.
type corporate struct {
	login  string // as the proxy is sent it
	server *httptest.Server
	tunnel sync.WaitGroup
}

func cmdCorporate(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: corporate USER:PASSWORD")
	}
	s := stageOf(ts)
	c := &corporate{
		login:  "Basic " + base64.StdEncoding.EncodeToString([]byte(args[0])),
		server: httptest.NewTLSServer(s.source), // whose certificate is for *.example.com
	}
	listener, err := net.Listen("tcp", "localhost:3128")
	ts.Check(err)
	proxy := &http.Server{Handler: c}
	c.tunnel.Go(func() { proxy.Serve(listener) })
	s.alsoClose = append(s.alsoClose, func() {
		proxy.Close()
		c.server.CloseClientConnections()
		c.server.Close()
		c.tunnel.Wait()
	})
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.server.Certificate().Raw})
	ts.Check(os.WriteFile(filepath.Join(ts.Getenv("HOME"), "corp-ca.pem"), authority, 0o666))
}

// ServeHTTP connects whoever may leave with the server, whatever he asks for.
func (c *corporate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Proxy-Authorization") != c.login {
		http.Error(w, "log in first", http.StatusProxyAuthRequired)
		return
	}
	if r.Method != http.MethodConnect {
		http.Error(w, "https alone leaves this network", http.StatusForbidden)
		return
	}
	there, err := net.Dial("tcp", c.server.Listener.Addr().String())
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	w.WriteHeader(http.StatusOK)
	here, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		there.Close()
		return
	}
	c.tunnel.Go(func() { pass(there, here) })
	c.tunnel.Go(func() { pass(here, there) })
}

// pass passes on what comes, until either side ends.
func pass(to, from net.Conn) {
	io.Copy(to, from)
	to.Close()
	from.Close()
}
