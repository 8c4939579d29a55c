package prommetrics

import (
	"cmp"
	"context"

	"github.com/breakwater-go/breakwater/breaker"
	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/prometheus/client_golang/prometheus"
)

// happening counts what happens on the way and is not counted by the Client in the
// same detail. Hedges are counted here, though Stats has them: won and lost ones come
// of two figures there, and the difference can fall from one scrape to the next, which
// looks like a reset.
type happening struct {
	gaveUp           *prometheus.CounterVec
	won, lost        prometheus.Counter
	stored, unstored prometheus.Counter
	storedBytes      prometheus.Counter
	evictedBytes     prometheus.Counter
}

func (d *definer) happening() happening {
	gaveUp := d.counter("retries_given_up_total", "Requests that failed and were not tried again, or not once more, by why.", "reason")
	hedges := d.counter("hedges_total", "Requests to a second source beside a slow first, by whether it was the faster.", "won")
	commits := d.counter("commits_total", "Downloads that were to be stored, by whether they were.", "result")
	h := happening{
		gaveUp: gaveUp,
		won:    hedges.WithLabelValues("true"), lost: hedges.WithLabelValues("false"),
		stored: commits.WithLabelValues("stored"), unstored: commits.WithLabelValues("failed"),
		storedBytes: d.counter("committed_bytes_total", "Size of the downloads that were stored.").WithLabelValues(),
		evictedBytes: d.counter("cache_evicted_bytes_total",
			"Size of what was removed from the default store's directory to make room.").WithLabelValues(),
	}
	for _, reason := range reasons {
		gaveUp.WithLabelValues(reason)
	}
	return h
}

// reasons are the label's values: what a Reason says itself is a sentence.
var reasons = map[breaker.Reason]string{
	breaker.Pointless: "pointless", breaker.TooLong: "too-long", breaker.OutOfTries: "out-of-tries",
	breaker.OutOfTime: "out-of-time", breaker.OutOfBudget: "out-of-budget", breaker.Departed: "departed",
	breaker.Impatient: "impatient",
}

func (h *happening) retry(_ context.Context, e breaker.RetryEvent) {
	if e.Reason != breaker.Again { // which the Client counts
		h.gaveUp.WithLabelValues(cmp.Or(reasons[e.Reason], "other")).Inc()
	}
}

func (h *happening) hedge(_ context.Context, e upstream.HedgeEvent) {
	if e.Won {
		h.won.Inc()
		return
	}
	h.lost.Inc()
}

func (h *happening) commit(_ context.Context, e fetch.Commit) {
	if e.Err != nil {
		h.unstored.Inc()
		return
	}
	h.stored.Inc()
	h.storedBytes.Add(float64(max(0, e.Size)))
}

func (h *happening) eviction(e cache.Eviction) { h.evictedBytes.Add(float64(max(0, e.Bytes))) }
