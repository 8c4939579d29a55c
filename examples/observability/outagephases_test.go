package observability_test

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// well: a few modules are new, as on any day.
func (o *outage) well(t *testing.T) {
	for _, s := range []*server{o.first, o.second, o.third, o.database} {
		s.set(fine)
	}
	if o.isDown {
		o.embedder.start(t)
		o.isDown = false
	}
	o.loads[0].pace(45, 2)
	o.loads[1].pace(5, 0)
}

func (o *outage) oneDies(t *testing.T) {
	if status := o.loads[0].get("example.com/" + forged); status != http.StatusBadGateway {
		t.Errorf("a go.mod that is not what it must be: status %d", status)
	}
	o.first.set(dead)
	o.database.set(dead)
	o.loads[1].pace(5, 1)
	o.takeScratch(t)
}

// scratch is where the office's cache writes what it will keep, and where that is
// meanwhile: with a file in its place, not even root can write to the cache.
func (o *outage) scratch() (dir, aside string) {
	dir = filepath.Join(o.office.cache, ".breakwater", "tmp")
	return dir, dir + ".aside"
}

func (o *outage) takeScratch(t *testing.T) {
	t.Helper()
	dir, aside := o.scratch()
	if err := errors.Join(os.Rename(dir, aside), os.WriteFile(dir, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
}

func (o *outage) returnScratch(t *testing.T) {
	t.Helper()
	dir, aside := o.scratch()
	if err := errors.Join(os.Remove(dir), os.Rename(aside, dir)); err != nil {
		t.Fatal(err)
	}
}

func (o *outage) allDie(t *testing.T) {
	o.second.set(sick)
	o.third.set(shut)
	o.database.set(fine)
	o.loads[0].pace(40, 10)
	o.loads[1].pace(5, 2)
	o.returnScratch(t)
	o.fillDisk(t)
}

func (o *outage) slowDown(t *testing.T) {
	o.first.set(slow)
	o.second.set(slow)
	o.loads[0].pace(8, 12)
	o.embedder.stop()
	o.isDown = true
	if o.office.disk != "" {
		if err := os.Remove(o.ballast()); err != nil {
			t.Fatal(err)
		}
	}
}

// ballast is what somebody else keeps on the disk that the office's cache is on.
func (o *outage) ballast() string { return filepath.Join(o.office.disk, "ballast") }

// fillDisk leaves a twentieth of the disk free.
func (o *outage) fillDisk(t *testing.T) {
	t.Helper()
	if o.office.disk == "" {
		return
	}
	_, text := o.prom.series(t, `breakwater_cache_filesystem_free_bytes{instance="office"} - 0.05 * breakwater_cache_filesystem_size_bytes`)
	size, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(o.ballast(), make([]byte, int(size)), 0o666); err != nil {
		t.Fatal(err)
	}
}

// due returns the alerts that can be brought about here.
func (o *outage) due(t *testing.T, alerts []string) []string {
	return slices.DeleteFunc(slices.Clone(alerts), func(name string) bool {
		if o.office.disk == "" && strings.Contains(name, "DiskFull") {
			t.Log("no file system can be mounted here: BreakwaterDiskFull is tested by promtool alone")
			return true
		}
		return false
	})
}

// firing returns what fires now, with the sources' names, and notes what is new of it.
func (o *outage) firing(t *testing.T) []string {
	t.Helper()
	var now []string
	for alert := range o.prom.firing(t) {
		now = append(now, o.names.Replace(alert))
	}
	slices.Sort(now)
	if !slices.Equal(now, o.last) {
		t.Logf("%v: firing: %s", time.Since(o.begun).Round(time.Second), strings.Join(now, ", "))
	}
	o.last = now
	return now
}

// peace sees nothing fire that must not, for as long as some alerts would take.
func (o *outage) peace(t *testing.T, never []string) {
	t.Helper()
	const scrapes = 16 // 4 minutes
	o.prom.until(t, "no alert for 16 scrapes", func() bool {
		checkNever(t, o.firing(t), never)
		n, _ := o.prom.series(t, fmt.Sprintf(`count_over_time(up{instance="office"}[1h]) > %d`, scrapes))
		return n > 0
	})
}

func checkNever(t *testing.T, now, never []string) {
	t.Helper()
	if found := among(now, never); len(found) > 0 {
		t.Fatalf("must not fire: %v", found)
	}
}

// among returns those of the alerts that begin as one of the names does.
func among(alerts, names []string) []string {
	var found []string
	for _, alert := range alerts {
		if slices.ContainsFunc(names, func(name string) bool { return strings.HasPrefix(alert, name) }) {
			found = append(found, alert)
		}
	}
	return found
}

// dashboardShowsIt asks the dashboard's queries about the outage: each has something
// to show. Sources in a list are not hedged.
func (o *outage) dashboardShowsIt(t *testing.T) {
	t.Helper()
	step := 15 * time.Second / time.Duration(o.prom.scale)
	window := strconv.FormatInt(4*step.Milliseconds(), 10) + "ms" // as Grafana does
	queries := readDashboard(t).queries()
	for _, where := range slices.Sorted(maps.Keys(queries)) {
		expr := strings.ReplaceAll(queries[where].expr, "[1m]", "["+window+"]")
		if strings.Contains(expr, "breakwater_hedges_total") {
			continue
		}
		var data struct{ Result []any }
		o.prom.ask(t, "/api/v1/query_range", url.Values{
			"query": {expr}, "step": {strconv.FormatFloat(step.Seconds(), 'f', -1, 64)},
			"start": {strconv.FormatInt(o.begun.Unix(), 10)}, "end": {strconv.FormatInt(time.Now().Unix(), 10)},
		}, &data)
		if len(data.Result) == 0 {
			t.Errorf("%s shows nothing of the outage: %s", where, expr)
		}
	}
}
