package fetch_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/breakwater-go/breakwater/fetch/internal/origin"
	"github.com/breakwater-go/breakwater/upstream"
)

// A weather is how a mirror behaves: it may answer a request itself, or return
// false to let the mirror do it, perhaps through another writer.
type weather func(m *mirror, w http.ResponseWriter, r *http.Request) (http.ResponseWriter, bool)

// A mirror is a module proxy some way off, whose weather may change.
type mirror struct {
	name   string
	origin *origin.Origin

	mu      sync.Mutex
	rng     *rand.Rand
	latency time.Duration // give or take a half; 0: none
	weather weather
	dial    func(context.Context) error // nil: connections are made
	asked   []string
}

func newMirror(name string, o *origin.Origin, seed uint64) *mirror {
	return &mirror{name: name, origin: o, rng: rand.New(rand.NewPCG(seed, 1))}
}

// set changes the weather; nil is fine weather.
func (m *mirror) set(w weather) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.weather = w
}

// setLatency changes how far off the mirror is.
func (m *mirror) setLatency(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.latency = d
}

// setDial has connections fail, or not.
func (m *mirror) setDial(dial func(context.Context) error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.dial = dial
}

// draw returns a random number below 1.
func (m *mirror) draw() float64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.rng.Float64()
}

// paths returns what was asked for since the last call.
func (m *mirror) paths() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	asked := m.asked
	m.asked = nil
	return asked
}

func (m *mirror) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.mu.Lock()
	m.asked = append(m.asked, r.URL.Path)
	weather, latency := m.weather, m.latency
	m.mu.Unlock()
	if latency > 0 && !pause(r.Context(), time.Duration((0.5+m.draw())*float64(latency))) {
		return
	}
	if weather != nil {
		var done bool
		if w, done = weather(m, w, r); done {
			return
		}
	}
	w.Header().Set("Etag", fmt.Sprintf("%q", r.URL.Path))
	m.origin.ServeHTTP(w, r)
}

// pause waits, and reports false if ctx ended meanwhile.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// dialFault is what happens to a connection before it is made.
func (m *mirror) dialFault(ctx context.Context) error {
	m.mu.Lock()
	dial := m.dial
	m.mu.Unlock()
	if dial == nil {
		return nil
	}
	return dial(ctx)
}

// overPipes returns a source for m that is reached without a network, for use in
// a synctest bubble.
func (m *mirror) overPipes(t testing.TB) upstream.Upstream {
	conns := make(pipes)
	server := &http.Server{Handler: m}
	go server.Serve(conns)
	t.Cleanup(func() { server.Close() })
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		if err := m.dialFault(ctx); err != nil {
			return nil, err
		}
		here, there := net.Pipe()
		select {
		case conns <- there:
			return here, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}, MaxIdleConnsPerHost: 64, IdleConnTimeout: 90 * time.Second}
	return newHTTP(t, "http://"+m.name+".example", &upstream.HTTPOptions{Transport: transport})
}

// overSockets returns a source for m on a loopback socket.
func (m *mirror) overSockets(t testing.TB) upstream.Upstream {
	server := httptest.NewServer(m)
	t.Cleanup(server.Close)
	dialer := net.Dialer{Timeout: 5 * time.Second}
	transport := &http.Transport{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		if err := m.dialFault(ctx); err != nil {
			return nil, err
		}
		return dialer.DialContext(ctx, network, addr)
	}, MaxIdleConnsPerHost: 64}
	return newHTTP(t, server.URL, &upstream.HTTPOptions{Name: m.name, Transport: transport})
}

func newHTTP(t testing.TB, url string, opts *upstream.HTTPOptions) upstream.Upstream {
	t.Helper()
	u, err := upstream.NewHTTP(url, opts)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// pipes is a net.Listener for the far ends of pipes.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	if conn, ok := <-p; ok {
		return conn, nil
	}
	return nil, net.ErrClosed
}

func (p pipes) Close() error   { close(p); return nil }
func (p pipes) Addr() net.Addr { return &net.TCPAddr{} }

// origins holds those of chaosOrigin, which take long to make and never change.
var origins sync.Map

// chaosOrigin returns an origin with n modules of the given domain, a few of
// them large enough to be cut off in the middle.
func chaosOrigin(t testing.TB, domain string, n int) *origin.Origin {
	t.Helper()
	key := fmt.Sprint(domain, n)
	if o, ok := origins.Load(key); ok {
		return o.(*origin.Origin)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	files := fstest.MapFS{}
	for i := range n {
		size := 2 << 10
		if i%8 == 0 {
			size = 400 << 10
		}
		noise := make([]byte, size)
		for j := range noise {
			noise[j] = "0123456789abcdefghijklmnopqrstuv"[rng.IntN(32)]
		}
		name := fmt.Sprintf("%s/m%02d@v1.%d.0.txtar", domain, i, i)
		files[name] = &fstest.MapFile{Data: fmt.Appendf(nil,
			"-- go.mod --\nmodule %s/m%02d\n\ngo 1.26\n-- m.go --\npackage m\n\nconst Noise = %q\n", domain, i, noise)}
	}
	o, err := origin.New(files)
	if err != nil {
		t.Fatal(err)
	}
	origins.Store(key, o)
	return o
}
