package observability_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestOutage takes a proxy and an embedder through an outage under load, and sees in
// a real Prometheus that each alert fires and clears. Minutes of the rules pass in
// seconds (see [scale]); with their real durations it takes about 25 minutes:
//
//	BREAKWATER_OUTAGE=real BREAKWATER_TOOLS=1 go test -count=1 -v -timeout 60m -run '^TestOutage$' ./observability
func TestOutage(t *testing.T) {
	tool(t, "prometheus")
	o := newOutage(t)
	for _, phase := range []struct {
		name   string
		change func(*testing.T)
		fire   []string // what must fire before the next phase
		never  []string // what must not
		clear  []string // what must have ended
	}{
		{name: "all is well", change: o.well, never: []string{"Breakwater"}},
		{
			name: "a source is dead, and the embedder's checksum database; the cache cannot be written", change: o.oneDies,
			fire: []string{
				"BreakwaterSourceOut office first", "BreakwaterUnverified embedder", "BreakwaterTampered office",
				"BreakwaterCacheFailing office",
			},
			never: []string{"BreakwaterFailing", "BreakwaterSlow", "BreakwaterDown", "BreakwaterSourceOut office second"},
		},
		{
			name: "all sources are dead, the embedder's takes its token no more, and the disk is full", change: o.allDie,
			fire:  []string{"BreakwaterFailing office", "BreakwaterFailures office", "BreakwaterDenied embedder third", "BreakwaterDiskFull office"},
			never: []string{"BreakwaterDown", "BreakwaterFailing embedder"},
			clear: []string{"BreakwaterCacheFailing"},
		},
		{
			name: "sources are slow, much is new, and the embedder is down", change: o.slowDown,
			fire:  []string{"BreakwaterSlow office", "BreakwaterHitRatioLow office", "BreakwaterDown embedder"},
			clear: []string{"BreakwaterFailing", "BreakwaterSourceOut office", "BreakwaterTampered", "BreakwaterDiskFull"},
		},
		{name: "all is well again", change: o.well, clear: []string{"Breakwater"}},
	} {
		t.Logf("%s", phase.name)
		phase.change(t)
		due := o.due(t, phase.fire)
		if len(due) == 0 && len(phase.clear) == 0 {
			o.peace(t, phase.never)
			continue
		}
		o.prom.until(t, phase.name+": alerts", func() bool {
			now := o.firing(t)
			checkNever(t, now, phase.never)
			due = slices.DeleteFunc(due, func(name string) bool { return slices.Contains(now, name) })
			return len(due) == 0 && len(among(now, phase.clear)) == 0
		})
	}
	o.dashboardShowsIt(t)
}

// An outage is what there is to go wrong.
type outage struct {
	first, second, third *server // sources: two of the office's, one of the embedder's
	database             *server // the embedder's
	office               *office
	embedder             *embedder
	loads                [2]*load // on the office and on the embedder
	isDown               bool     // the embedder
	prom                 *monitor
	names                *strings.Replacer // of what is in labels
	begun                time.Time
	last                 []string // alerts, as they were seen last
}

func newOutage(t *testing.T) *outage {
	t.Helper()
	program := buildProxy(t)
	db, key := newDatabase(t)
	o := &outage{database: newServer(t, db), begun: time.Now()}
	for _, s := range []**server{&o.first, &o.second, &o.third} {
		*s = newServer(t, http.HandlerFunc(serveGoMod))
	}
	o.names = strings.NewReplacer(o.first.URL, "first", o.second.URL, "second", o.third.URL, "third")
	o.office = startOffice(t, program, o.first.URL+"|"+o.second.URL, key+" "+newServer(t, db).URL)
	o.embedder = startEmbedder(t, o.third.URL, key+" "+o.database.URL)
	o.loads = [...]*load{newLoad(t, o.office.url), newLoad(t, "http://"+o.embedder.address)}
	for _, l := range o.loads {
		l.warm(t)
	}
	o.prom = startPrometheus(t, chosenScale(), map[string]string{
		"office": strings.TrimPrefix(o.office.url, "http://"), "embedder": o.embedder.address,
	})
	return o
}
