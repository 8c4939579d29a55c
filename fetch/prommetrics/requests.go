package prommetrics

import (
	"context"

	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/prometheus/client_golang/prometheus"
)

// kinds is how many kinds of requests there are, with the one that is none.
const kinds = upstream.SumDBTile + 1

// requests counts calls of Fetch. All series exist from the start, so that a ratio has
// its parts and a hit finds them by their place in an array.
type requests struct {
	ended [kinds][fetch.Outcomes]prometheus.Counter
	took  [fetch.Outcomes]prometheus.Observer
}

func (d *definer) requests() requests {
	ended := d.counter("requests_total", "Calls of Fetch that have ended.", "kind", "outcome")
	took := d.histogram("request_duration_seconds", "Time until the answer to a call of Fetch was ready to be read.", "outcome")
	var r requests
	for o := range fetch.Outcome(fetch.Outcomes) {
		r.took[o] = took.WithLabelValues(o.String())
		for k := range kinds {
			r.ended[k][o] = ended.WithLabelValues(kindWord(k), o.String())
		}
	}
	return r
}

// kindWord returns a label's value for a kind; "other" for that of the zero Request.
func kindWord(k upstream.Kind) string {
	if k == 0 {
		return "other"
	}
	return word(k.String())
}

func (r *requests) end(_ context.Context, e fetch.RequestEnd) {
	r.ended[e.Request.Kind()][e.Outcome].Inc()
	r.took[e.Outcome].Observe(e.Took.Seconds())
}
