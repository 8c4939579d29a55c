package observability_test

import (
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"
)

func TestPromtool(t *testing.T) {
	run(t, "promtool", "check", "config", "prometheus.yml")
	run(t, "promtool", "check", "rules", "alerts.yml")
	run(t, "promtool", "test", "rules", "alerts_test.yml")
}

// An alert is one of alerts.yml.
type alert struct {
	Alert       string
	Expr        string
	For         string
	Labels      map[string]string
	Annotations map[string]string
}

func readAlerts(t *testing.T) []alert {
	t.Helper()
	var file struct {
		Groups []struct{ Rules []alert }
	}
	if err := yaml.Unmarshal([]byte(readFile(t, "alerts.yml")), &file); err != nil {
		t.Fatal(err)
	}
	var all []alert
	for _, group := range file.Groups {
		all = append(all, group.Rules...)
	}
	return all
}

func TestAlertsSayWhatToDo(t *testing.T) {
	severities := map[string]bool{"critical": true, "warning": true, "info": true}
	var names []string
	for _, a := range readAlerts(t) {
		names = append(names, a.Alert)
		if !severities[a.Labels["severity"]] {
			t.Errorf("%s: severity %q", a.Alert, a.Labels["severity"])
		}
		if len(a.Annotations["summary"]) < 20 || len(a.Annotations["description"]) < 100 {
			t.Errorf("%s says too little: %q", a.Alert, a.Annotations)
		}
	}
	want := []string{
		"BreakwaterDown", "BreakwaterFailing", "BreakwaterFailures", "BreakwaterDenied", "BreakwaterOffline",
		"BreakwaterSlow", "BreakwaterHitRatioLow", "BreakwaterSourceOut", "BreakwaterDiskFull", "BreakwaterCacheFailing",
		"BreakwaterUnverified", "BreakwaterTampered",
	}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("alerts (-want +got):\n%s", diff)
	}
}

// A window that is longer than "for" would let one bad request fire an alert.
func TestAlertWindowsAreNoLongerThanFor(t *testing.T) {
	window := regexp.MustCompile(`rate\([^\[]*\[(\w+)\]`)
	for _, a := range readAlerts(t) {
		for _, m := range window.FindAllStringSubmatch(a.Expr, -1) {
			if m[1] != a.For {
				t.Errorf("%s is for %q and looks at %q", a.Alert, a.For, m[1])
			}
		}
	}
}
