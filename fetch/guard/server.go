package guard

import (
	"cmp"
	"math"
	"net/http"
	"time"
)

// ServerOptions configures [Server]. A nil *ServerOptions and zero fields mean
// the defaults; a negative number switches that bound off.
type ServerOptions struct {
	// Hosts are the names and addresses that clients reach the server by, without
	// port; a request for any other is answered 421. That keeps out the scripts of
	// a web page whose name was made to lead here (DNS rebinding), which matters
	// where whoever can connect is let in. Default: any.
	Hosts []string

	// StallTimeout is how long a client may take for the next 256 KiB of an
	// answer, or for what is left of it. A slow client that keeps reading is
	// served for as long as it takes: at the default, one that reads 2 KiB/s. The
	// kernel makes room in lumps, though, a third of what it may hold for a
	// connection that was fast before: 1.4 MiB on Linux, which takes 12 KiB/s.
	// Whoever raises its tcp_wmem raises that, too. Default: 2 minutes.
	StallTimeout time.Duration

	// MaxURLBytes bounds the request target, as it is sent. Default: 4,096, twice
	// what the longest path of the protocol may have, for some of it is escaped.
	MaxURLBytes int

	// MaxQueryBytes bounds the query, which the protocol has no use for: what is
	// shorter is ignored. Default: 256.
	MaxQueryBytes int

	// MaxRanges bounds how many byte ranges a request may ask for. With more of
	// them the whole file is the answer, which costs less than many small parts
	// (RFC 9110, section 14.2). Default: 8.
	MaxRanges int
}

func (o *ServerOptions) withDefaults() ServerOptions {
	var opts ServerOptions
	if o != nil {
		opts = *o
	}
	opts.StallTimeout = max(cmp.Or(opts.StallTimeout, 2*time.Minute), 0)
	opts.MaxURLBytes = bound(opts.MaxURLBytes, 4096)
	opts.MaxQueryBytes = bound(opts.MaxQueryBytes, 256)
	opts.MaxRanges = bound(opts.MaxRanges, 8)
	return opts
}

// bound returns n, or otherwise for 0, or what nothing exceeds for a negative n.
func bound(n, otherwise int) int {
	if n < 0 {
		return math.MaxInt
	}
	return cmp.Or(n, otherwise)
}

// Server returns a server for handler with limits fit for strangers; the
// package comment tells what each hostile request gets. Fields of it may be
// changed before it serves: Addr, TLSConfig and ErrorLog usually are.
//
// Request headers have to arrive within 10 s and be no longer than 64 KiB, a
// connection may be idle for 2 minutes, and requests have no body. There is no
// WriteTimeout: it would bound the whole answer, and a zip may take minutes on a
// slow line; StallTimeout takes its place. Nor is there a ReadTimeout: it would
// go on running while a source is asked, and then end the request.
//
// How many connections there may be is left to the operating system and to
// whoever makes the listener.
func Server(handler http.Handler, opts *ServerOptions) *http.Server {
	o := opts.withDefaults()
	return &http.Server{
		Handler:                      newFront(paced(handler, o.StallTimeout), o),
		ReadHeaderTimeout:            10 * time.Second,
		IdleTimeout:                  2 * time.Minute, // longer than the pauses of a go command
		MaxHeaderBytes:               64 << 10,
		DisableGeneralOptionsHandler: true, // it would wait for the body of "OPTIONS *"
		HTTP2: &http.HTTP2Config{
			// Of a connection whose streams are all cut, but not what is
			// being written; and of one whose peer has vanished.
			WriteByteTimeout: o.StallTimeout,
			SendPingTimeout:  time.Minute,
		},
	}
}
