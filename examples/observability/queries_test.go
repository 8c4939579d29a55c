package observability_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// allQueries returns those of the alerts and of the dashboard, by where they are.
func allQueries(t *testing.T) map[string]query {
	t.Helper()
	all := readDashboard(t).queries()
	for _, a := range readAlerts(t) {
		all[a.Alert] = query{expr: a.Expr}
	}
	return all
}

// TestQueries holds the alerts and the dashboard against what a Client exports.
func TestQueries(t *testing.T) {
	known := exported(t)
	queries := allQueries(t)
	if len(queries) < 40 {
		t.Errorf("found only %d queries", len(queries))
	}
	for where, q := range queries {
		if found := q.problems(known); len(found) > 0 {
			t.Errorf("%s: %s\n%s", where, strings.Join(found, "; "), q.expr)
		}
	}
}

// TestQueriesAreQueries has promtool read them as rules.
func TestQueriesAreQueries(t *testing.T) {
	var rules strings.Builder
	rules.WriteString("groups:\n- name: queries\n  rules:\n")
	n := 0
	for where, q := range allQueries(t) {
		fmt.Fprintf(&rules, "  - record: query:%d\n    labels: {where: %q}\n    expr: %q\n", n, where, q.expr)
		n++
	}
	file := filepath.Join(t.TempDir(), "rules.yml")
	writeFile(t, file, rules.String())
	run(t, "promtool", "check", "rules", file)
}

func TestProblemsOfQueries(t *testing.T) {
	known := metrics{
		"requests_total":  {"kind": {"mod": true}, "outcome": {"failed": true, "miss": true}},
		"duration_bucket": {"source": {"a": true}},
		"up":              {"job": nil},
	}
	for _, test := range []struct {
		expr, legend string
		want         []string
	}{
		{`sum by (outcome) (rate(requests_total{outcome=~"failed|miss", job=~".*"}[5m])) > 0 or up{job="x"}`, "{{outcome}}", nil},
		{`histogram_quantile(0.5, sum by (source, le) (rate(duration_bucket[5m])))`, "{{source}}", nil},
		{`requests - requests_total`, "", []string{"no metric requests"}},
		{`requests_total{source="a"}`, "", []string{"requests_total has no label source"}},
		{`requests_total{outcome!="fail"}`, "", []string{`outcome is never "fail" in requests_total`}},
		{`requests_total{outcome!~"miss|fail"}`, "", []string{`outcome is never "fail" in requests_total`}},
		{`requests_total{outcome=~"m.*s|fail.*"}`, "", nil},
		{`requests_total{outcome=~"mis|iss.*"}`, "", []string{`outcome is never "mis" in requests_total`, `outcome is never "iss.*" in requests_total`}},
		{`sum without (source) (requests_total)`, "", []string{"no label source"}},
		{`sum by (le) (requests_total)`, "", []string{"no label le"}},
		{`sum by (kind) (requests_total)`, "{{ outcome }}", []string{"no label in the result outcome"}},
	} {
		if diff := cmp.Diff(test.want, query{test.expr, test.legend}.problems(known)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.expr, diff)
		}
	}
}
