package guard_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/fetch/guard"
)

func mustPrefix(s string) netip.Prefix { return netip.MustParsePrefix(s) }

// zeros serves a file of the given size and tells how that ended.
func zeros(t testing.TB, size int64) (h http.Handler, ended <-chan error) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "zeros")
	if err := os.WriteFile(name, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(name, size); err != nil {
		t.Fatal(err)
	}
	ends := make(chan error, 100)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f, err := os.Open(name)
		if err != nil {
			t.Error(err)
			return
		}
		defer f.Close()
		http.ServeContent(noting{w, ends}, r, "", time.Time{}, f)
	}), ends
}

// noting tells how the server's ReadFrom ended: what [http.ServeContent] keeps
// to itself.
type noting struct {
	http.ResponseWriter
	ended chan<- error
}

func (w noting) ReadFrom(src io.Reader) (int64, error) {
	n, err := io.Copy(w.ResponseWriter, src)
	select {
	case w.ended <- err:
	default: // nobody counts so far
	}
	return n, err
}

func TestSlowClientsAreCut(t *testing.T) {
	const request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
	for _, tt := range []struct{ name, sent string }{
		{"nothing is sent", ""},
		{"half a request line", "GET /exam"},
		{"half a header", "GET / HTTP/1.1\r\nHost: a\r\nX: "},
		{"idle after a request", request},
		{"half of the next request", request + "GET /"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			server := guard.Server(ok, nil)
			if server.ReadHeaderTimeout <= 0 || server.IdleTimeout <= 0 {
				t.Fatal("a limit is missing")
			}
			server.ReadHeaderTimeout, server.IdleTimeout = 20*time.Millisecond, 20*time.Millisecond
			conn := dial(t, start(t, server))
			say(t, conn, tt.sent)
			wantEnd(t, conn)
		})
	}
}

func TestATLSHandshakeThatStandsStillIsCut(t *testing.T) {
	server := httptest.NewUnstartedServer(nil)
	server.Config = guard.Server(ok, nil)
	server.Config.ReadHeaderTimeout = 20 * time.Millisecond
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	conn := dial(t, server.Listener.Addr().String())
	say(t, conn, "\x16\x03\x01\x02")
	wantEnd(t, conn)
}

func TestABodyThatDripsIsNotWaitedFor(t *testing.T) {
	for _, head := range []string{
		"GET / HTTP/1.1\r\nContent-Length: 1000\r\n",
		"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n",
		"GET / HTTP/1.1\r\nContent-Length: 1000\r\nExpect: 100-continue\r\n",
		"POST / HTTP/1.1\r\nContent-Length: 1000\r\n",
		"OPTIONS * HTTP/1.1\r\nTransfer-Encoding: chunked\r\n",
	} {
		t.Run(head, func(t *testing.T) {
			t.Parallel()
			conn := dial(t, start(t, guard.Server(ok, nil)))
			say(t, conn, head+"Host: a\r\n\r\n1")
			from := bufio.NewReader(conn)
			if resp, _ := reply(t, from, "GET"); resp.StatusCode != 400 {
				t.Errorf("status %d", resp.StatusCode)
			}
			wantEnd(t, from)
		})
	}
}

func TestAReaderThatStandsStillIsCut(t *testing.T) {
	h, ended := zeros(t, 1<<30)
	addr := start(t, guard.Server(h, &guard.ServerOptions{StallTimeout: 50 * time.Millisecond}))
	conn := dial(t, addr)
	say(t, conn, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	select {
	case err := <-ended:
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("it ended with %v", err)
		}
	case <-time.After(patience):
		t.Fatal("the answer is still under way")
	}
	from := bufio.NewReader(conn)
	resp, err := http.ReadResponse(from, nil)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := io.Copy(io.Discard, resp.Body); err == nil {
		t.Errorf("%d bytes look whole", n)
	}
}

func TestAReaderWhoReadsGetsItAll(t *testing.T) {
	const size = 20<<20 + 12345
	h, ended := zeros(t, size)
	addr := start(t, guard.Server(h, &guard.ServerOptions{StallTimeout: patience}))
	for range 2 {
		resp, err := http.Get("http://" + addr)
		if err != nil {
			t.Fatal(err)
		}
		n, err := io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if n != size || err != nil || <-ended != nil {
			t.Errorf("%d bytes of %d, %v", n, size, err)
		}
	}
}

func TestACopyEndsWhereItsSourceDoes(t *testing.T) {
	for _, size := range []int{0, 100, 256 << 10, 512<<10 + 1} {
		text := strings.Repeat("a", size)
		addr := start(t, guard.Server(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			io.Copy(w, struct{ io.Reader }{strings.NewReader(text)}) // of a length that nobody tells
		}), nil))
		resp, err := (&http.Client{Timeout: patience}).Get("http://" + addr)
		if err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(resp.Body); string(body) != text || err != nil {
			t.Errorf("%d bytes of %d, %v", len(body), size, err)
		}
		resp.Body.Close()
	}
}

// pipes is a listener whose connections are pipes, for the fake clock.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), closed: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

func (p *pipes) dial(context.Context, string, string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case p.conns <- server:
		return client, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

// over makes a request in a bubble of synctest, over HTTP/1 or HTTP/2.
func over(t *testing.T, server *http.Server, http2 bool, read func(*http.Response)) {
	t.Helper()
	protocols := new(http.Protocols)
	protocols.SetHTTP1(!http2)
	protocols.SetUnencryptedHTTP2(http2)
	server.Protocols = protocols
	listener := newPipes()
	var serving sync.WaitGroup
	serving.Go(func() { server.Serve(listener) })
	transport := &http.Transport{
		DialContext: listener.dial, Protocols: protocols, DisableCompression: true,
		HTTP2: &http.HTTP2Config{MaxReceiveBufferPerStream: 64 << 10},
	}
	resp, err := (&http.Client{Transport: transport}).Get("http://proxy.example/")
	if err != nil {
		t.Fatal(err)
	}
	read(resp)
	resp.Body.Close()
	transport.CloseIdleConnections()
	server.Close()
	serving.Wait()
}

// readAt reads a body of the given size, some bytes each second.
func readAt(body io.Reader, perSecond, size int64) (read int64, err error) {
	for read < size {
		n, err := io.CopyN(io.Discard, body, min(perSecond, size-read))
		read += n
		if err != nil {
			return read, err
		}
		time.Sleep(time.Second)
	}
	return read, nil
}

func TestHowSlowAReaderMayBe(t *testing.T) {
	const size = 8 << 20
	for _, http2 := range []bool{false, true} {
		for _, tt := range []struct {
			name      string
			perSecond int64
			whole     bool
		}{
			{"16 KiB/s", 16 << 10, true},
			{"4 KiB/s", 4 << 10, true},
			{"1 KiB/s", 1 << 10, false},
			{"10 bytes/s", 10, false},
		} {
			name := "HTTP/1, " + tt.name
			if http2 {
				name = "HTTP/2, " + tt.name
			}
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					content := make([]byte, size)
					done := make(chan struct{})
					server := guard.Server(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						defer close(done)
						w.Header().Set("Content-Length", "8388608")
						w.Write(content)
					}), nil)
					over(t, server, http2, func(resp *http.Response) {
						before := time.Now()
						n, err := readAt(resp.Body, tt.perSecond, size)
						if whole := n == size && err == nil; whole != tt.whole {
							t.Errorf("%d bytes in %v, %v", n, time.Since(before), err)
						}
						<-done
					})
				})
			})
		}
	}
}

// What a handler has written may be sent only after it has returned.
func TestASmallAnswerThatIsNotTakenIsCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		listener := newPipes()
		server := guard.Server(ok, nil)
		var serving sync.WaitGroup
		serving.Go(func() { server.Serve(listener) })
		conn, err := listener.dial(t.Context(), "", "")
		if err != nil {
			t.Fatal(err)
		}
		say(t, conn, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		time.Sleep(2*time.Minute + time.Second)
		if n, err := conn.Read(make([]byte, 1)); n != 0 || err != io.EOF {
			t.Errorf("the answer still comes: %v", err)
		}
		server.Close()
		serving.Wait()
	})
}

// The time that a source takes is not the client's.
func TestAHandlerThatTakesItsTimeIsNotCut(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			server := guard.Server(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				for range 3 {
					time.Sleep(time.Hour)
					io.WriteString(w, "part ")
					if err := http.NewResponseController(w).Flush(); err != nil {
						t.Error(err)
					}
				}
				time.Sleep(time.Hour)
				io.WriteString(w, "end")
			}), nil)
			server.HTTP2.SendPingTimeout = 0 // it would keep the clock busy
			over(t, server, http2, func(resp *http.Response) {
				if body, err := io.ReadAll(resp.Body); string(body) != "part part part end" || err != nil {
					t.Errorf("HTTP/2 %v: %q, %v", http2, body, err)
				}
			})
		})
	}
}

// sink is a server's writer that notes what its ReadFrom is given.
type sink struct {
	http.ResponseWriter
	saw func(io.Reader)
}

func (s sink) Unwrap() http.ResponseWriter { return s.ResponseWriter }

func (s sink) ReadFrom(src io.Reader) (int64, error) {
	s.saw(src)
	return s.ResponseWriter.(io.ReaderFrom).ReadFrom(src)
}

// The kernel can copy a file to a connection only where net sees the file, behind
// no more than one LimitedReader.
func TestTheKernelStillCopiesFiles(t *testing.T) {
	h, _ := zeros(t, 1<<20)
	server := guard.Server(h, nil)
	calls := 0
	inner := server.Handler
	server.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		inner.ServeHTTP(sink{w, func(src io.Reader) {
			calls++
			limited, _ := src.(*io.LimitedReader)
			if limited == nil {
				t.Errorf("it sees a %T", src)
			} else if _, isFile := limited.R.(*os.File); !isFile {
				t.Errorf("it sees a %T behind a limit", limited.R)
			}
		}}, r)
	})
	resp, err := http.Get("http://" + start(t, server))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if n, err := io.Copy(io.Discard, resp.Body); n != 1<<20 || err != nil || calls != 4 {
		t.Errorf("%d bytes, %v, in %d calls; want 4", n, err, calls)
	}
}
