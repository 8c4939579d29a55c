package observability_test

import (
	"log/slog"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/fetch/prommetrics"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// metrics are the names that are exported, with their labels, and of each label the
// values that there are from the start.
type metrics map[string]map[string]map[string]bool

// exported returns what a new Client exports, and what Prometheus makes itself.
func exported(t *testing.T) metrics {
	t.Helper()
	c, err := fetch.New(&fetch.Options{
		Upstream: upstream.FS("files", fstest.MapFS{}),
		CacheDir: t.TempDir(),
		Go:       &fetch.GoSettings{GOSUMDB: "sum.golang.org"},
		Logger:   slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	m := prommetrics.New(c, nil)
	defer m.Close()

	all := metrics{"up": {"job": nil}, "ALERTS": {"alertname": nil, "alertstate": nil}}
	all.describe(m)
	all.gather(t, m)
	return all
}

// description finds name and labels in what a Desc prints, which is the only way to
// learn of a metric that has no series yet.
var description = regexp.MustCompile(`fqName: "(\w+)".*variableLabels: \{([^}]*)\}`)

func (m metrics) describe(c prometheus.Collector) {
	descs := make(chan *prometheus.Desc)
	go func() {
		defer close(descs)
		c.Describe(descs)
	}()
	for d := range descs {
		found := description.FindStringSubmatch(d.String())
		m[found[1]] = map[string]map[string]bool{}
		for label := range strings.SplitSeq(found[2], ",") {
			m[found[1]][label] = map[string]bool{}
		}
	}
}

func (m metrics) gather(t *testing.T, c prometheus.Collector) {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(c)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		labels := m[family.GetName()]
		for _, series := range family.GetMetric() {
			for _, pair := range series.GetLabel() {
				labels[pair.GetName()][pair.GetValue()] = true
			}
		}
		if family.GetType() != dto.MetricType_HISTOGRAM {
			continue
		}
		for _, suffix := range []string{"_bucket", "_sum", "_count"} {
			m[family.GetName()+suffix] = labels
		}
		delete(m, family.GetName()) // there is no series of the bare name
	}
}
