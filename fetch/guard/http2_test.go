package guard_test

import (
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/breakwater-go/breakwater/fetch/guard"
)

// frames builds what a client of HTTP/2 sends (RFC 9113), byte by byte: no
// library would send what these tests do.
type frames struct{ strings.Builder }

const (
	frameData, frameHeaders, frameReset, frameSettings, frameWindow = 0, 1, 3, 4, 8

	endStream, endHeaders = 1, 4
)

func newFrames() *frames {
	f := new(frames)
	f.WriteString("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
	return f
}

func (f *frames) frame(kind, flags byte, stream uint32, payload string) *frames {
	var head [9]byte
	binary.BigEndian.PutUint32(head[:4], uint32(len(payload))<<8|uint32(kind))
	head[4] = flags
	binary.BigEndian.PutUint32(head[5:], stream)
	f.Write(head[:])
	f.WriteString(payload)
	return f
}

// get is the header of "GET /" in HPACK, from its static table.
const get = "\x82\x86\x84\x41\x01a"

// overHTTP2 has the server speak HTTP/2 without TLS, which comes to the same for
// what is tested here.
func overHTTP2(server *http.Server) *http.Server {
	server.Protocols = new(http.Protocols)
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetUnencryptedHTTP2(true)
	return server
}

// ends returns a channel that is closed when the server's first connection is.
func ends(server *http.Server) <-chan struct{} {
	closed := make(chan struct{})
	var seen atomic.Bool
	server.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateClosed && !seen.Swap(true) {
			close(closed)
		}
	}
	return closed
}

func wait(t *testing.T, c <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(patience):
		t.Fatalf("%s: not within %v", what, patience)
	}
}

func TestHTTP2RapidReset(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	var under, most atomic.Int32
	stuck := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor == 1 {
			return
		}
		n := under.Add(1)
		defer under.Add(-1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		<-release
	})
	server := overHTTP2(guard.Server(stuck, nil))
	closed := ends(server)
	addr := start(t, server)
	conn := dial(t, addr)
	attack := newFrames().frame(frameSettings, 0, 0, "")
	for i := range uint32(5000) {
		attack.frame(frameHeaders, endStream|endHeaders, 2*i+1, get).frame(frameReset, 0, 2*i+1, "\x00\x00\x00\x08")
	}
	io.WriteString(conn, attack.String()) // fails when the server has had enough
	go io.Copy(io.Discard, conn)
	wait(t, closed, "the connection's end")
	if got := most.Load(); got == 0 || got > 250 {
		t.Errorf("%d handlers at once", got)
	}
	resp, err := http.Get("http://" + addr)
	if err != nil || resp.StatusCode != 200 {
		t.Errorf("another client: %v, %v", resp, err)
	}
}

func TestHTTP2SlowClientsAreCut(t *testing.T) {
	settings := func() *frames { return newFrames().frame(frameSettings, 0, 0, "") }
	for name, sent := range map[string]string{
		"nothing after the preface":     newFrames().String(),
		"nothing after the settings":    settings().String(),
		"half a frame":                  settings().String() + "\x00\x00\x10\x01",
		"a header that goes on":         settings().frame(frameHeaders, endStream, 1, get).String(),
		"a body that never comes":       settings().frame(frameHeaders, endHeaders, 1, get).String(),
		"a body that comes in a drip":   settings().frame(frameHeaders, endHeaders, 1, get).frame(frameData, 0, 1, "x").String(),
		"a window that is never opened": settings().frame(frameHeaders, endStream|endHeaders, 1, get).String(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			large, _ := zeros(t, 8<<20)
			server := overHTTP2(guard.Server(large, &guard.ServerOptions{StallTimeout: 20 * time.Millisecond}))
			server.IdleTimeout, server.ReadHeaderTimeout = 20*time.Millisecond, 20*time.Millisecond
			conn := dial(t, start(t, server))
			say(t, conn, sent)
			wantEnd(t, conn)
		})
	}
}

// A client that takes nothing from the connection stops every stream at once.
func TestHTTP2ConnectionThatStandsStillIsCut(t *testing.T) {
	large, _ := zeros(t, 1<<30)
	server := overHTTP2(guard.Server(large, &guard.ServerOptions{StallTimeout: 50 * time.Millisecond}))
	server.IdleTimeout = 50 * time.Millisecond // for when its stream has been cut
	closed := ends(server)
	conn := dial(t, start(t, server))
	say(t, conn, newFrames().
		frame(frameSettings, 0, 0, "\x00\x04\x7f\xff\xff\xff"). // as large a window as there can be
		frame(frameWindow, 0, 0, "\x7f\xff\x00\x00").
		frame(frameHeaders, endStream|endHeaders, 1, get).String())
	wait(t, closed, "the connection's end")
}

func TestHTTP2CredentialsInTheAuthority(t *testing.T) {
	server := overHTTP2(guard.Server(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("the request is passed on")
	}), nil))
	server.IdleTimeout = 50 * time.Millisecond
	conn := dial(t, start(t, server))
	say(t, conn, newFrames().frame(frameSettings, 0, 0, "").
		frame(frameHeaders, endStream|endHeaders, 1, "\x82\x86\x84\x41\x0dann:hunter2@a").String())
	answer, _ := io.ReadAll(conn)
	if !strings.Contains(string(answer), new(frames).frame(frameReset, 0, 1, "\x00\x00\x00\x01").String()) {
		t.Errorf("the stream was not reset for breaking the protocol: %q", answer)
	}
}
