package observability_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"
)

// A scale is by what all durations in prometheus.yml and alerts.yml are divided, so
// that minutes pass in seconds: how often is scraped and evaluated, the windows in
// brackets, and how long a condition holds before its alert fires. Nothing else is
// changed, thresholds neither. Every window has as many scrapes in it as in earnest.
type scale int

// chosenScale returns 40, or 1 if BREAKWATER_OUTAGE is "real".
func chosenScale() scale {
	if os.Getenv("BREAKWATER_OUTAGE") == "real" {
		return 1
	}
	return 40
}

var (
	setting = regexp.MustCompile(`(?m)^(\s*(?:scrape_interval|scrape_timeout|evaluation_interval|interval|for): )(\w+)$`)
	bracket = regexp.MustCompile(`(\[)(\w+)\]`)
)

// file returns the text of a file of Prometheus with its durations divided.
func (s scale) file(t *testing.T, text string) string {
	t.Helper()
	divide := func(pattern *regexp.Regexp, end string) {
		text = pattern.ReplaceAllStringFunc(text, func(found string) string {
			parts := pattern.FindStringSubmatch(found)
			d, err := model.ParseDuration(parts[2])
			if err != nil {
				t.Fatal(err)
			}
			return parts[1] + model.Duration(time.Duration(d)/time.Duration(s)).String() + end
		})
	}
	divide(setting, "")
	divide(bracket, "]")
	return text
}

func TestScale(t *testing.T) {
	const text = `
  scrape_interval: 15s
  - alert: A
    expr: rate(x{a="5m"}[5m]) / rate(y[1h]) > 1
    for: 2m
    description: for 2m
`
	want := strings.NewReplacer("15s", "375ms", "[5m]", "[7s500ms]", "[1h]", "[1m30s]", "for: 2m", "for: 3s").Replace(text)
	if diff := cmp.Diff(want, scale(40).file(t, text)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(text, scale(1).file(t, text)); diff != "" {
		t.Errorf("with 1 (-want +got):\n%s", diff)
	}
}
