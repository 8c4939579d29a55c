package upstream_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
)

// windows is what a client says of how much it takes (RFC 9113, sections 6.5.2 and
// 6.9), in bytes.
type windows struct{ Frame, Stream, Connection uint32 }

// A larger window is faster on a long line, and more for a source to make us hold. The
// package net/http documents less than it accepts: where it comes to accept less, its
// defaults hold, and this test says so.
func TestHTTP2Windows(t *testing.T) {
	said := make(chan windows, 1)
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.TLS = &tls.Config{NextProtos: []string{"h2"}}
	server.Config.TLSNextProto = map[string]func(*http.Server, *tls.Conn, http.Handler){
		"h2": func(_ *http.Server, conn *tls.Conn, _ http.Handler) { said <- readWindows(t, conn) },
	}
	server.StartTLS()
	defer server.Close()
	u := newHTTP(t, server.URL, &upstream.HTTPOptions{TLS: trusting(server)})
	_, err := u.Fetch(t.Context(), request(t, "a.b/c/@latest"))
	wantError(t, err, upstream.Unavailable) // it hangs up
	want := windows{Frame: 64 << 10, Stream: 16 << 20, Connection: 256<<20 + 64<<10 - 1}
	if diff := cmp.Diff(want, <-said); diff != "" {
		t.Errorf("windows (-want +got):\n%s", diff)
	}
}

// readWindows reads the beginning of a client's connection, up to where it has told
// the connection's window.
func readWindows(t *testing.T, conn io.Reader) windows {
	w := windows{Frame: 16 << 10, Stream: 64<<10 - 1, Connection: 64<<10 - 1} // if nothing is said
	if _, err := io.CopyN(io.Discard, conn, int64(len("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))); err != nil {
		t.Error(err)
		return w
	}
	for {
		var header [9]byte
		if _, err := io.ReadFull(conn, header[:]); err != nil {
			t.Error(err)
			return w
		}
		payload := make([]byte, int(header[0])<<16|int(header[1])<<8|int(header[2]))
		if _, err := io.ReadFull(conn, payload); err != nil {
			t.Error(err)
			return w
		}
		switch header[3] {
		case 4: // SETTINGS
			w.read(payload)
		case 8: // WINDOW_UPDATE
			w.Connection += binary.BigEndian.Uint32(payload)
			return w
		}
	}
}

func (w *windows) read(settings []byte) {
	for ; len(settings) >= 6; settings = settings[6:] {
		value := binary.BigEndian.Uint32(settings[2:])
		switch binary.BigEndian.Uint16(settings) {
		case 4:
			w.Stream = value
		case 5:
			w.Frame = value
		}
	}
}

// trusting returns the configuration of a client that knows the server.
func trusting(server *httptest.Server) *tls.Config {
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	return &tls.Config{RootCAs: roots}
}
