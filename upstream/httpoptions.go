package upstream

import (
	"cmp"
	"crypto/tls"
	"net"
	"net/http"
	"time"
)

// HTTPOptions tunes an HTTP source. A nil *HTTPOptions and zero fields mean the
// defaults given at each field; a negative duration switches that bound off.
type HTTPOptions struct {
	// Name is shown in errors and statistics. Default: the URL, redacted.
	Name string

	// Transport makes the requests. Default: a transport of the source's own
	// that keeps connections alive, speaks HTTP/2 where the server does, and
	// honours HTTP_PROXY, HTTPS_PROXY and NO_PROXY. Over HTTP/2, bodies that are
	// not read hold up to 16 MiB each and 256 MiB together; then other bodies of
	// the same connection wait, so close what you do not read. TLS, ConnectTimeout and
	// TLSTimeout belong to that default and do nothing for another Transport,
	// which shows its client certificate to whom it likes. Over https, with any
	// *[http.Transport], requests after a pause wait up to 1 s for the connection
	// that the first of them opens, in case that can serve all.
	Transport http.RoundTripper

	// TLS is the client's TLS configuration: RootCAs holds private CAs,
	// Certificates the client's certificate for a server that asks for one, or
	// GetClientCertificate a function that gives it, for one that is renewed
	// while the program runs. It is cloned. A client certificate is not shown to
	// another host that a redirect leads to. Default: the system's roots.
	TLS *tls.Config

	// Credentials are asked what to send with each request. They are not asked
	// about a source with user information in its URL, which is used instead as
	// by the go command, nor about one that is reached without encryption, other
	// than on a loopback address. A Transport that follows redirects by itself,
	// or passes requests on without encryption, takes them where it likes.
	// Default: none.
	Credentials Credentials

	// ConnectTimeout bounds making a connection. Default: 5 s.
	ConnectTimeout time.Duration

	// TLSTimeout bounds the TLS handshake. Default: 5 s.
	TLSTimeout time.Duration

	// FirstByteTimeout bounds the wait between the request and the response's
	// header. Default: 30 s, because a proxy that does not hold a module yet
	// fetches it while we wait.
	FirstByteTimeout time.Duration

	// StallTimeout bounds the wait for the next byte of a body. There is no
	// bound on a body's whole time: a large zip on a slow line is fine, one
	// that stands still is not. Default: 20 s.
	StallTimeout time.Duration

	// UserAgent is sent with every request. Default: "breakwater".
	UserAgent string
}

func (o *HTTPOptions) withDefaults() HTTPOptions {
	var opts HTTPOptions
	if o != nil {
		opts = *o
	}
	opts.ConnectTimeout = cmp.Or(opts.ConnectTimeout, 5*time.Second)
	opts.TLSTimeout = cmp.Or(opts.TLSTimeout, 5*time.Second)
	opts.FirstByteTimeout = cmp.Or(opts.FirstByteTimeout, 30*time.Second)
	opts.StallTimeout = cmp.Or(opts.StallTimeout, 20*time.Second)
	opts.UserAgent = cmp.Or(opts.UserAgent, "breakwater")
	if opts.Transport == nil {
		opts.Transport = newTransport(&opts)
	}
	return opts
}

// newTransport is tuned for one host that is asked for many small files at
// once: the standard library keeps only two idle connections to a host.
func newTransport(opts *HTTPOptions) *http.Transport {
	t := &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: max(0, opts.ConnectTimeout)}).DialContext,
		TLSHandshakeTimeout:    max(0, opts.TLSTimeout),
		ResponseHeaderTimeout:  max(0, opts.FirstByteTimeout),
		ForceAttemptHTTP2:      true,
		MaxIdleConns:           128,
		MaxIdleConnsPerHost:    64,
		IdleConnTimeout:        90 * time.Second,
		DisableCompression:     true,
		OnProxyConnectResponse: nameProxy,
		HTTP2: &http.HTTP2Config{
			// A stream brings at most its window per round trip: over a line of 100 ms,
			// 40 MB/s with net/http's own 4 MiB, 140 with 16 and 400 with 64. A source
			// that sends faster than we read makes us hold that much for each stream,
			// but never more than the connection's window for all of its streams: with
			// net/http's own that was 1 GiB.
			MaxReceiveBufferPerStream:     16 << 20,
			MaxReceiveBufferPerConnection: 256 << 20,
			// Each frame is handed from goroutine to goroutine: those of the default
			// 16 KiB cost a fifth more time for a zip, and larger ones save no more.
			MaxReadFrameSize: 64 << 10,
			// A connection whose peer has vanished without a word would
			// otherwise swallow requests until the kernel gives up.
			SendPingTimeout: 15 * time.Second,
			PingTimeout:     10 * time.Second,
		},
	}
	if opts.TLS != nil {
		t.TLSClientConfig = opts.TLS.Clone()
	}
	return t
}

// newAway returns the transport for what a redirect leads to on other hosts: as
// own, the source's, but with no client certificate to show.
func (o *HTTPOptions) newAway(own http.RoundTripper) http.RoundTripper {
	t, ok := own.(*http.Transport)
	if !ok || t == nil || o == nil || o.Transport != nil || o.TLS == nil {
		return own
	}
	if len(o.TLS.Certificates) == 0 && o.TLS.GetClientCertificate == nil {
		return own
	}
	anonymous := *o
	anonymous.TLS = o.TLS.Clone()
	anonymous.TLS.Certificates, anonymous.TLS.GetClientCertificate = nil, nil
	away := anonymous.withDefaults()
	return away.Transport
}

// headerTimeout bounds all that comes before a response's header, for any
// Transport; it is 0 for no bound.
func (o *HTTPOptions) headerTimeout() time.Duration {
	if o.FirstByteTimeout < 0 {
		return 0
	}
	return max(0, o.ConnectTimeout) + max(0, o.TLSTimeout) + o.FirstByteTimeout
}
