package prommetrics_test

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/upstream"
	gocmp "github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/common/expfmt"
)

// everything returns a Client of which every metric is known: one with a store on a
// disk that has bounds, and a checksum database that has been asked.
func everything(t *testing.T) *station {
	t.Helper()
	o := newOrigin(t)
	opts := options(named("origin", func(_ context.Context, req upstream.Request) (*upstream.Response, error) { return serveFrom(o, req) }))
	opts.Store, opts.CacheDir, opts.CacheBytes = nil, t.TempDir(), 1<<20
	opts.Go.GOSUMDB = o.VerifierKey
	s := observe(t, opts)
	if _, err := ask(t, s, request(t, upstream.Zip, "example.com/hello", "v1.0.0")); err != nil {
		t.Fatal(err)
	}
	return s
}

// A row is what is said of a metric.
type row struct{ name, kind, labels, help string }

// described returns what Describe says, which knows no types.
func described(t *testing.T, c prometheus.Collector) []row {
	t.Helper()
	shape := regexp.MustCompile(`^Desc\{fqName: "(.*)", help: "(.*?)"(?:, unit: ".*?")?, constLabels: \{\}, variableLabels: \{(.*)\}\}$`)
	descs := make(chan *prometheus.Desc)
	go func() { c.Describe(descs); close(descs) }()
	var rows []row
	for d := range descs {
		m := shape.FindStringSubmatch(d.String())
		if m == nil {
			t.Fatalf("not understood: %s", d)
		}
		rows = append(rows, row{name: m[1], help: m[2], labels: sorted(strings.Split(m[3], ","))})
	}
	slices.SortFunc(rows, byName)
	return rows
}

// exported returns what a scrape says.
func exported(t *testing.T, g prometheus.Gatherer) []row {
	t.Helper()
	families, err := g.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var rows []row
	for _, f := range families {
		var labels []string
		for _, l := range f.Metric[0].Label {
			labels = append(labels, l.GetName())
		}
		rows = append(rows, row{f.GetName(), strings.ToLower(f.GetType().String()), sorted(labels), f.GetHelp()})
	}
	slices.SortFunc(rows, byName)
	return rows
}

func sorted(labels []string) string { return strings.Join(slices.Sorted(slices.Values(labels)), ",") }

func byName(a, b row) int { return cmp.Compare(a.name, b.name) }

// The table of the package comment, what Describe says and what is exported agree.
func TestTable(t *testing.T) {
	s := everything(t)
	rows := exported(t, s.registry)
	described := described(t, s.metrics)
	for i, r := range rows {
		if i < len(described) {
			described[i].kind = r.kind
		}
	}
	if diff := gocmp.Diff(rows, described, gocmp.AllowUnexported(row{})); diff != "" {
		t.Errorf("what is exported and what is described (-exported +described):\n%s", diff)
	}

	want := tableOf(rows)
	if diff := gocmp.Diff(want, documented(t, "breakwater_")); diff != "" {
		t.Errorf("the table in doc.go (-want +got):\n%s\nit should be:\n%s", diff, strings.Join(want, "\n"))
	}
}

// documented returns the lines of tables in the package comment that begin so.
func documented(t *testing.T, prefixes ...string) []string {
	t.Helper()
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	var table []string
	for line := range strings.Lines(string(doc)) {
		cell, ok := strings.CutPrefix(line, "//\t")
		if ok && slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(cell, p) }) {
			table = append(table, strings.TrimRight(line, "\n"))
		}
	}
	return table
}

// The package comment lists the values of labels that have a fixed set of them. All
// are there from the start.
func TestLabelValues(t *testing.T) {
	families, err := observe(t, options(named("a", hasMod))).registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	fixed := []string{"kind", "lane", "outcome", "reason", "result", "state", "to", "what", "won"}
	values := map[string][]string{}
	for _, f := range families {
		for _, m := range f.Metric {
			for _, l := range m.Label {
				key := l.GetName()
				if !slices.Contains(fixed, key) {
					continue
				}
				if key == "result" { // which is another's, too
					key += " of " + strings.TrimPrefix(f.GetName(), "breakwater_")
				}
				if !slices.Contains(values[key], l.GetValue()) {
					values[key] = append(values[key], l.GetValue())
				}
			}
		}
	}
	var b bytes.Buffer
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, key := range slices.Sorted(maps.Keys(values)) {
		fmt.Fprintf(w, "//~%s\t%s\n", key, strings.Join(slices.Sorted(slices.Values(values[key])), ", "))
	}
	w.Flush()
	want := linesOf(&b)
	if diff := gocmp.Diff(want, documented(t, fixed...)); diff != "" {
		t.Errorf("the label values in doc.go (-want +got):\n%s\nthey should be:\n%s", diff, strings.Join(want, "\n"))
	}
}

func tableOf(rows []row) []string {
	var b bytes.Buffer
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, r := range rows {
		fmt.Fprintf(w, "//~%s\t%s\t%s\t%s\n", r.name, r.kind, cmp.Or(r.labels, "-"), r.help)
	}
	w.Flush()
	return linesOf(&b)
}

func linesOf(b *bytes.Buffer) []string {
	return strings.Split(strings.TrimSpace(strings.ReplaceAll(b.String(), "//~", "//\t")), "\n")
}

// The names and helps are as Prometheus wants them.
func TestLint(t *testing.T) {
	problems, err := testutil.GatherAndLint(everything(t).registry)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

// promtool has nothing to say against a scrape.
func TestPromtool(t *testing.T) {
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		if os.Getenv("BREAKWATER_TOOLS") == "1" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	families, err := everything(t).registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var scraped bytes.Buffer
	for _, f := range families {
		if _, err := expfmt.MetricFamilyToText(&scraped, f); err != nil {
			t.Fatal(err)
		}
	}
	check := exec.CommandContext(t.Context(), promtool, "check", "metrics")
	check.Stdin = &scraped
	if out, err := check.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("promtool check metrics: %v\n%s", err, out)
	}
}

// What is read of the disk and of the checksum database is what they say themselves.
func TestWhatIsBelow(t *testing.T) {
	s := everything(t)
	all := s.scrape(t)
	if got, want := all[`verifications_total{result="verified"}`], s.Stats().Verified; got != float64(want) || want < 1 {
		t.Errorf("%v files were verified, want %v", got, want)
	}
	db := s.Stats().Database
	if got := all[`sumdb_tree_size`]; got != float64(db.TreeSize) || got < 1 {
		t.Errorf("a tree of %v, want %v", got, db.TreeSize)
	}
	if age, ok := all[`sumdb_head_age_seconds`]; !ok || age < 0 {
		t.Errorf("head age: %v %v", age, ok)
	}
	dir := s.Stats().Cache[1].Dir
	size, free := all[`cache_filesystem_size_bytes{dir="`+dir+`"}`], all[`cache_filesystem_free_bytes{dir="`+dir+`"}`]
	if size <= 0 || free <= 0 || free > size {
		t.Errorf("%v bytes of %v are free", free, size)
	}
	if got := all[`cache_max_bytes{layer="disk"}`]; got != 1<<20 {
		t.Errorf("the bound of the disk is %v", got)
	}
}

// Directories whose names become the same label are told of together, and not instead
// of all that there is to tell.
func TestDirectoriesWithoutText(t *testing.T) {
	base := t.TempDir()
	opts := options(named("a", hasMod))
	var disks []cache.Store
	for _, name := range []string{"store \xff", "store \xfe"} {
		disk, err := cache.OpenDisk(filepath.Join(base, name), nil)
		if err != nil {
			t.Skip(err) // a file system that has text only
		}
		t.Cleanup(func() {
			if err := disk.Close(); err != nil {
				t.Error(err)
			}
		})
		disks = append(disks, disk)
	}
	opts.Store = cache.Layered(disks...)
	s := observe(t, opts)
	if size := s.scrape(t)[`cache_filesystem_size_bytes{dir="`+base+"/store \uFFFD\"}"]; size <= 0 {
		t.Errorf("a file system of %v bytes", size)
	}
}
