package prommetrics

import (
	"context"
	"net/http"
	"strconv"

	"github.com/breakwater-go/breakwater/fetch"
	"github.com/prometheus/client_golang/prometheus"
)

// exchanges counts what a handler has answered.
type exchanges struct {
	answered *prometheus.CounterVec
	took     *prometheus.HistogramVec
	bytes    prometheus.Counter

	known *handles[answer, exchange]
}

// An answer is what exchanges are told apart by. What is no method of the protocol or
// no status of HTTP is "other" in it, and 0.
type answer struct {
	method string
	status int
}

type exchange struct {
	answered prometheus.Counter
	took     prometheus.Observer
}

// usual are the statuses whose series exist from the start: what an alert counts must
// be seen to rise from 0.
var usual = [...]int{
	http.StatusOK, http.StatusForbidden, http.StatusNotFound,
	http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout,
}

func (d *definer) exchanges() exchanges {
	x := exchanges{
		answered: d.counter("http_requests_total", "HTTP requests that a handler has answered (see Metrics.Access).", "method", "code"),
		took:     d.histogram("http_request_duration_seconds", "Time until the answer to an HTTP request was written, or broke off.", "code"),
		bytes:    d.counter("http_response_bytes_total", "Size of the bodies of answers, as far as they were written.").WithLabelValues(),
		known:    new(handles[answer, exchange]),
	}
	for _, status := range usual {
		x.of(http.MethodGet, status)
	}
	return x
}

// Access counts a request that a handler has answered: it is for [fetch.HandlerOptions]
// Access. Several handlers may have the same.
func (m *Metrics) Access(_ context.Context, a fetch.Access) {
	of := m.exchanges.of(a.Method, a.Status)
	of.answered.Inc()
	of.took.Observe(a.Took.Seconds())
	m.exchanges.bytes.Add(float64(max(0, a.Sent)))
}

// of returns the series of an answer. Strangers choose the method.
func (x *exchanges) of(method string, status int) exchange {
	if method != http.MethodGet && method != http.MethodHead {
		method = "other"
	}
	if http.StatusText(status) == "" {
		status = 0
	}
	return x.known.of(answer{method, status}, x.newExchange)
}

func (x *exchanges) newExchange(a answer) exchange {
	code := "other"
	if a.status != 0 {
		code = strconv.Itoa(a.status)
	}
	return exchange{x.answered.WithLabelValues(a.method, code), x.took.WithLabelValues(code)}
}
