package guard

import (
	"cmp"
	"net/http"
	"net/netip"
	"strconv"
	"time"
)

// RateOptions configures [Rate]. A nil *RateOptions and zero fields mean the
// defaults.
//
// They are made for the go command, which never asks again for what was refused,
// so a limit that it meets fails a build. It asks for three files of each module,
// and the checksum database's answers beside them; a thousand modules are 5,000
// requests. But it has only as many requests under way as it has CPUs, so a wait
// slows it down in time: of 64 at once, at 200 a second, none waits for long.
type RateOptions struct {
	// PerSecond is how many requests a caller may make each second in the long
	// run, at least 0.001. Default: 200.
	PerSecond float64

	// Burst is how many requests he may make at once after a rest. Default: 2,000.
	Burst int

	// Wait is how long a request of a caller who is too fast is held back before
	// it is refused instead. It bounds how many of his requests can be waiting,
	// to PerSecond times Wait. Default: 2 s; negative: none waits.
	Wait time.Duration

	// Caller says which requests count as one caller's. What it goes by must be
	// proved by the request (see [Authenticator]): a caller who can choose another
	// name at will has no limit. An office behind one address counts as one caller. Default: the address that the connection comes
	// from, of IPv6 its first 64 bits, for that much is one subscriber's. Set it
	// to [CallerBy] of ForwardedFor behind a reverse proxy, which otherwise counts
	// as one caller.
	Caller func(r *http.Request) string

	// Callers is how many callers are remembered, each in about 200 bytes; the
	// one who was not there for longest is forgotten, and begins anew.
	// Default: 16,384.
	Callers int
}

func (o *RateOptions) withDefaults() RateOptions {
	var opts RateOptions
	if o != nil {
		opts = *o
	}
	opts.PerSecond = max(cmp.Or(opts.PerSecond, 200), 0.001)
	opts.Burst = max(cmp.Or(opts.Burst, 2000), 1)
	opts.Wait = max(cmp.Or(opts.Wait, 2*time.Second), 0)
	opts.Callers = max(cmp.Or(opts.Callers, 16<<10), 1)
	if opts.Caller == nil {
		opts.Caller = CallerBy(RemoteAddr)
	}
	return opts
}

// CallerBy names callers by the address that from tells: for IPv6 by its first 64
// bits. Those whose address is not known count as one caller.
func CallerBy(from AddrFunc) func(*http.Request) string {
	return func(r *http.Request) string {
		addr, ok := from(r)
		if !ok {
			return ""
		}
		if addr.Is6() {
			return netip.PrefixFrom(addr, 64).Masked().String()
		}
		return addr.String()
	}
}

// Rate returns a handler that limits how many requests each caller makes of next.
// A request that comes too early waits for its turn; one that would have to wait
// too long is answered 429 with Retry-After. It stands before whatever finds out
// who is calling, so that passwords cannot be tried at will either.
func Rate(next http.Handler, opts *RateOptions) http.Handler {
	o := opts.withDefaults()
	turns := newTurns(o)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		wait, ok := turns.take(o.Caller(r), time.Now())
		if !ok {
			tooMany(w, wait)
			return
		}
		if wait > 0 && !pause(r, wait) {
			// The caller has gone, or somebody else has ended the request: it
			// must not look like an empty answer.
			refuse(w, http.StatusServiceUnavailable, "the request ended while it waited for its turn")
			return
		}
		next.ServeHTTP(w, r)
	})
}

func pause(r *http.Request, wait time.Duration) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.Context().Done():
		return false
	}
}

func tooMany(w http.ResponseWriter, wait time.Duration) {
	seconds := max(1, int64((wait+time.Second-1)/time.Second))
	w.Header().Set("Retry-After", strconv.FormatInt(seconds, 10))
	refuse(w, http.StatusTooManyRequests, "too many requests from you: make fewer at once (GOMAXPROCS bounds the go command), or ask who runs the proxy")
}
