package prommetrics

import (
	"cmp"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
)

// namespace is what all names begin with. It is not an option: the alert rules and
// dashboards that others share go by the names.
const namespace = "breakwater"

// A definer makes metrics and keeps a list of them. What a file of this package
// defines is in the method named for it.
type definer struct {
	labels  prometheus.Labels
	buckets []float64

	counted []prometheus.Collector
	asked   []*prometheus.Desc
}

func newDefiner(opts *Options) *definer {
	d := new(definer)
	if opts != nil {
		d.labels, d.buckets = opts.ConstLabels, slices.Clone(opts.Buckets)
	}
	if len(d.buckets) == 0 {
		d.buckets = DefaultBuckets()
	}
	return d
}

func (d *definer) counter(name, help string, labels ...string) *prometheus.CounterVec {
	v := prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: namespace, Name: name, Help: help, ConstLabels: d.labels,
	}, labels)
	d.counted = append(d.counted, v)
	return v
}

func (d *definer) histogram(name, help string, labels ...string) *prometheus.HistogramVec {
	v := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Namespace: namespace, Name: name, Help: help, ConstLabels: d.labels, Buckets: d.buckets,
	}, labels)
	d.counted = append(d.counted, v)
	return v
}

// A figure is a metric whose value is asked for at a scrape.
type figure struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
}

func (d *definer) gauge(name, help string, labels ...string) figure {
	return d.figure(prometheus.GaugeValue, name, help, labels)
}

// count defines a counter that somebody else keeps.
func (d *definer) count(name, help string, labels ...string) figure {
	return d.figure(prometheus.CounterValue, name, help, labels)
}

func (d *definer) figure(kind prometheus.ValueType, name, help string, labels []string) figure {
	desc := prometheus.NewDesc(prometheus.BuildFQName(namespace, "", name), help, labels, d.labels)
	d.asked = append(d.asked, desc)
	return figure{desc, kind}
}

// send sends a figure's value. A figure that is defined badly, by labels of the
// caller's, is an error of the scrape and no panic.
func (f figure) send(ch chan<- prometheus.Metric, value float64, labels ...string) {
	metric, err := prometheus.NewConstMetric(f.desc, f.kind, value, labels...)
	if err != nil {
		metric = prometheus.NewInvalidMetric(f.desc, err)
	}
	ch <- metric
}

// word makes one word of what a String method returns, as the values of labels are.
func word(s string) string { return strings.ReplaceAll(s, " ", "-") }

// text makes a label's value of a name that somebody chose, who may have put bytes
// into it that client_golang panics at.
func text(name string) string { return cmp.Or(strings.ToValidUTF8(name, "\uFFFD"), "unnamed") }
