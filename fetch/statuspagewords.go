package fetch

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"
	"time"

	"github.com/breakwater-go/breakwater/breaker"
	"github.com/breakwater-go/breakwater/upstream"
)

// inShort returns why a source failed in a few words, which fit into a sentence.
func inShort(e *upstream.Error) string {
	if _, ok := errors.AsType[*net.DNSError](e.Err); ok {
		return "its host name has no address"
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](e.Err); ok {
		return "its certificate is not accepted"
	}
	switch {
	case errors.Is(e.Err, breaker.ErrOpen):
		return "left alone"
	case errors.Is(e.Err, syscall.ECONNREFUSED):
		return "connection refused"
	case errors.Is(e.Err, syscall.ECONNRESET):
		return "connection reset"
	case errors.Is(e.Err, syscall.EHOSTUNREACH), errors.Is(e.Err, syscall.ENETUNREACH):
		return "cannot be reached"
	case e.Status != 0:
		return fmt.Sprintf("status %d", e.Status)
	case e.Class == upstream.Timeout:
		return "no answer in time"
	case e.Class == upstream.Untrusted:
		return "wrong bytes"
	}
	return e.Class.String()
}

// number returns n with its thousands apart.
func number(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "\u202f" + s[i:]
	}
	return s
}

// countOf returns a number of things, such as "1 request".
func countOf(n int64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return number(n) + " " + what + "s"
}

func times(n int64) string {
	if n == 1 {
		return "once"
	}
	return number(n) + " times"
}

// size returns a number of bytes in two or three digits.
func size(n int64) string {
	if n < 1<<10 {
		return countOf(n, "byte")
	}
	f, unit := float64(n), 0
	for f >= 1000 && unit < 6 {
		f, unit = f/1024, unit+1
	}
	digits := 0
	if f < 10 {
		digits = 1
	}
	return strconv.FormatFloat(f, 'f', digits, 64) + "\u00a0" + [...]string{"bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"}[unit]
}

// took returns seconds in two or three digits, with a unit.
func took(seconds float64) string {
	switch {
	case seconds <= 0:
		return "–"
	case seconds < 0.000995:
		return strconv.FormatFloat(seconds*1e6, 'f', 0, 64) + "\u00a0µs"
	case seconds < 0.00995:
		return strconv.FormatFloat(seconds*1e3, 'f', 1, 64) + "\u00a0ms"
	case seconds < 0.9995:
		return strconv.FormatFloat(seconds*1e3, 'f', 0, 64) + "\u00a0ms"
	case seconds < 9.95:
		return strconv.FormatFloat(seconds, 'f', 1, 64) + "\u00a0s"
	}
	return time.Duration(seconds * float64(time.Second)).Round(time.Second).String()
}

// percent returns a ratio; what is not all is never shown as 100 %.
func percent(ratio float64) string {
	switch {
	case ratio >= 1:
		return "100\u00a0%"
	case ratio > 0.995:
		return strconv.FormatFloat(min(ratio*100, 99.9), 'f', 1, 64) + "\u00a0%"
	case ratio > 0 && ratio < 0.005:
		return "<\u00a01\u00a0%"
	}
	return strconv.FormatFloat(ratio*100, 'f', 0, 64) + "\u00a0%"
}
