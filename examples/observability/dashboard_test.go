package observability_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// A dashboard is what is looked at in Grafana's JSON model.
type dashboard struct {
	UID           string
	Title         string
	SchemaVersion int
	Panels        []panel
	Annotations   struct {
		List []struct {
			Name, Expr string
			Datasource datasource
		}
	}
	Templating struct {
		List []struct {
			Name, Type, Definition string
			Query                  any
		}
	}
}

type panel struct {
	ID          int
	Type, Title string
	Datasource  datasource
	GridPos     struct{ X, Y, W, H int }
	Targets     []struct {
		RefID, Expr, LegendFormat string
		Datasource                datasource
	}
}

type datasource struct{ Type, UID string }

func readDashboard(t *testing.T) *dashboard {
	t.Helper()
	d := new(dashboard)
	if err := json.Unmarshal([]byte(readFile(t, "grafana/dashboard.json")), d); err != nil {
		t.Fatal(err)
	}
	return d
}

// variables are what Grafana puts in place of its variables.
var variables = strings.NewReplacer("$__rate_interval", "1m", `=~"$job"`, `=~".*"`, `=~"$instance"`, `=~".*"`)

func (d *dashboard) queries() map[string]query {
	all := map[string]query{}
	for _, p := range d.Panels {
		for _, target := range p.Targets {
			where := fmt.Sprintf("panel %q, query %s", p.Title, target.RefID)
			all[where] = query{variables.Replace(target.Expr), target.LegendFormat}
		}
	}
	for _, a := range d.Annotations.List {
		if a.Expr != "" {
			all[fmt.Sprintf("annotation %q", a.Name)] = query{expr: strings.ReplaceAll(a.Expr, `=~"Breakwater.*"`, `!=""`)}
		}
	}
	for _, v := range d.Templating.List {
		if values, ok := strings.CutPrefix(v.Definition, "label_values("); ok {
			metric, label, _ := strings.Cut(strings.TrimSuffix(variables.Replace(values), ")"), ", ")
			all[fmt.Sprintf("variable %q", v.Name)] = query{metric, "{{" + label + "}}"}
		}
	}
	return all
}

func TestDashboard(t *testing.T) {
	d := readDashboard(t)
	if d.UID == "" || d.Title == "" || d.SchemaVersion < 36 {
		t.Errorf("uid %q, title %q, schemaVersion %d", d.UID, d.Title, d.SchemaVersion)
	}
	types := map[string]bool{"row": true, "stat": true, "timeseries": true, "state-timeline": true, "table": true}
	seen := map[string]bool{}
	taken := map[[2]int]string{}
	for _, p := range d.Panels {
		if id := fmt.Sprint(p.ID); p.ID <= 0 || seen[id] || seen[p.Title] {
			t.Errorf("panel %d %q: id or title is not its own", p.ID, p.Title)
		}
		seen[fmt.Sprint(p.ID)], seen[p.Title] = true, true
		if !types[p.Type] {
			t.Errorf("panel %q: type %q", p.Title, p.Type)
		}
		checkPlace(t, p, taken)
		if p.Type != "row" {
			checkTargets(t, p)
		}
	}
}

// checkPlace finds panels that lie upon each other, which Grafana would move.
func checkPlace(t *testing.T, p panel, taken map[[2]int]string) {
	t.Helper()
	g := p.GridPos
	if g.X < 0 || g.W <= 0 || g.X+g.W > 24 || g.H <= 0 {
		t.Errorf("panel %q is outside of the 24 columns: %+v", p.Title, g)
	}
	for x := g.X; x < g.X+g.W; x++ {
		for y := g.Y; y < g.Y+g.H; y++ {
			if other := taken[[2]int{x, y}]; other != "" {
				t.Fatalf("panel %q lies upon %q", p.Title, other)
			}
			taken[[2]int{x, y}] = p.Title
		}
	}
}

func checkTargets(t *testing.T, p panel) {
	t.Helper()
	want := datasource{"prometheus", "${datasource}"}
	if len(p.Targets) == 0 || p.Datasource != want {
		t.Errorf("panel %q: %d queries of %v", p.Title, len(p.Targets), p.Datasource)
	}
	refs := map[string]bool{}
	for _, target := range p.Targets {
		if target.Datasource != want || target.RefID == "" || refs[target.RefID] {
			t.Errorf("panel %q, query %q: of %v", p.Title, target.RefID, target.Datasource)
		}
		refs[target.RefID] = true
		if strings.Contains(variables.Replace(target.Expr), "$") {
			t.Errorf("panel %q: a variable that there is not: %s", p.Title, target.Expr)
		}
		if !strings.Contains(target.Expr, `instance=~"$instance"`) {
			t.Errorf("panel %q does not go by the instance chosen: %s", p.Title, target.Expr)
		}
	}
}

// TestDashboardIsFormatted keeps the diffs of what Grafana exports small.
func TestDashboardIsFormatted(t *testing.T) {
	text := []byte(readFile(t, "grafana/dashboard.json"))
	var want bytes.Buffer
	if err := json.Indent(&want, text, "", " "); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(bytes.TrimSpace(want.Bytes()), bytes.TrimSpace(text)) {
		t.Error("the JSON is not indented by one space")
	}
}
