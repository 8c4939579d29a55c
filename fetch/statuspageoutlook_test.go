package fetch

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/google/go-cmp/cmp"
)

// outlookSources are sources of which there is nothing bad to say, by how they are.
var outlookSources = []struct {
	name, text string
	offline    bool
	sources    []StatusSource
}{
	{"not asked", "No source has been asked yet.", false, []StatusSource{{Source: "a", State: stateNotAsked}}},
	{"one works", "The only source works: a.", false, []StatusSource{{Source: "a", State: upstream.Working.String()}}},
	{"one of two works", "1 of 2 sources works, the other has not been asked.", false,
		[]StatusSource{{Source: "a", State: upstream.Working.String()}, {Source: "b", State: stateNotAsked}}},
	{"offline", "Offline, as configured: only what is in the cache is answered.", true, nil},
	{"off", "No source may be asked, as configured: only what is in the cache is answered.", false, []StatusSource{{Source: "off", State: stateNone}}},
}

// Whatever is noticed, the headline is of the gravest of it, and what is known of the
// sources is said after it. Nothing leaves a headline by which nothing is wrong.
func TestHeadlineIsOfTheGravest(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 0, 0, time.UTC)
	for _, tt := range []struct {
		name, state string
		notice      string // its beginning
		add         func(s *StatusReport)
	}{
		{"old answers", weatherStrained, "Old answers are given", func(s *StatusReport) {
			s.LastHour.Outcomes = map[string]int64{Stale.String(): 1}
			s.Failures = []StatusFailure{{Outcome: Stale.String(), Last: now}}
		}},
		{"a database that lies", weatherIll, "The checksum database db contradicted itself", func(s *StatusReport) {
			s.Database = &StatusDatabase{Name: "db", SecurityEvents: 1}
		}},
		{"a database that is away", weatherStrained, "The checksum database db could not be asked at 03:04", func(s *StatusReport) {
			s.Database = &StatusDatabase{Name: "db", Failed: now}
		}},
		{"a database that was away", weatherWell, "The checksum database db could not be asked when", func(s *StatusReport) {
			s.Database = &StatusDatabase{Name: "db", Failed: now.Add(-failureHolds)}
		}},
		{"files not verified yet", weatherStrained, "2 files have been handed out before", func(s *StatusReport) { s.Unverified = 2 }},
		{"a cache left alone", weatherStrained, "The disk cache does not answer", func(s *StatusReport) {
			s.Cache = []StatusLayer{{Layer: "disk", Gated: true}}
		}},
		{"damage mended", weatherWell, "1 file has been found damaged", func(s *StatusReport) {
			s.Cache = []StatusLayer{{Layer: "disk", Damaged: 1}}
		}},
		{"a cache that cannot be read", weatherStrained, "The cache could not be read", func(s *StatusReport) {
			s.Troubles = []StatusTrouble{{What: CacheUnreadable.String(), Times: 1, Last: now, Error: "odd"}}
		}},
		{"a cache that cannot be written", weatherStrained, "Downloads could not be stored once", func(s *StatusReport) {
			s.Troubles = []StatusTrouble{{What: CacheUnwritable.String(), Times: 1, Last: now, Error: "no space left on device"}}
		}},
		{"a disk that is full", weatherStrained, "Only 0 bytes of 1.0\u00a0MiB are free", func(s *StatusReport) {
			s.FileSystems = []StatusFileSystem{{Dir: "/cache", Total: 1 << 20}}
		}},
	} {
		for _, of := range outlookSources {
			t.Run(tt.name+", "+of.name, func(t *testing.T) {
				s := &StatusReport{Time: now, Sources: of.sources}
				tt.add(s)
				got := weatherOf(s, of.offline)
				if got.State != tt.state || strings.Contains(got.Text, "Nothing is known to be wrong") {
					t.Errorf("the headline is %q, %s, want %s", got.Text, got.State, tt.state)
				}
				first, second := got.Text, got.Notices
				if tt.state == weatherWell { // which nobody need act on
					first, second = got.Notices[0], []string{got.Text}
				}
				if !strings.HasPrefix(first, tt.notice) || !slices.Equal(second, []string{of.text}) {
					t.Errorf("the page says %q, then %q", got.Text, got.Notices)
				}
			})
		}
	}
}

// What is noticed of other servers than the sources leads, too.
func TestHeadlineOfOtherServers(t *testing.T) {
	works := StatusSource{Source: "a", State: upstream.Working.String()}
	for name, tt := range map[string]struct {
		source StatusSource
		want   string
	}{
		"the database's own": {StatusSource{Source: "https://db.example", Database: true, State: upstream.Out.String()}, "The checksum database's own server is out."},
		"one of many": {StatusSource{Source: "a", State: upstream.Working.String(), Parts: []StatusPart{{Source: "a (git.example)", Answered: true}}},
			"Of a (git.example), which answered before, no module can be had now but what is in the cache."},
	} {
		want := StatusWeather{State: weatherStrained, Text: tt.want, Notices: []string{"The only source works: a."}}
		if diff := cmp.Diff(want, weatherOf(&StatusReport{Sources: []StatusSource{works, tt.source}}, false)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// Of several troubles the gravest comes first; the sources', where none is graver.
func TestGravestOfSeveral(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 0, 0, time.UTC)
	works := []StatusSource{{Source: "a", State: upstream.Working.String()}}
	oneOut := []StatusSource{{Source: "a", State: upstream.Out.String()}, {Source: "b", State: upstream.Working.String()}}
	full := []StatusFileSystem{{Dir: "/cache", Total: 1 << 20}}
	lies := &StatusDatabase{Name: "db", SecurityEvents: 2}
	const fullText = "Only 0 bytes of 1.0\u00a0MiB are free where the cache is (/cache)."
	const liesText = "The checksum database db contradicted itself or its signature was wrong, 2 times. Look into this first."
	for _, tt := range []struct {
		name   string
		report StatusReport
		want   StatusWeather
	}{
		{"nothing", StatusReport{Sources: []StatusSource{{Source: "a", State: stateNotAsked}}},
			StatusWeather{State: weatherWell, Text: "Nothing is known to be wrong. No source has been asked yet.", Notices: []string{}}},
		{"a full disk and a lie", StatusReport{Sources: works, Unverified: 1, FileSystems: full, Database: lies},
			StatusWeather{State: weatherIll, Text: liesText, Notices: []string{
				"The only source works: a.", "1 file has been handed out before anybody could verify them; they wait for that.", fullText,
			}}},
		{"a source out and a full disk", StatusReport{Sources: oneOut, FileSystems: full},
			StatusWeather{State: weatherStrained, Text: "1 of 2 sources is out: a.", Meaning: "Answers come from b and the cache.", Notices: []string{fullText}}},
		{"a source out and a lie", StatusReport{Sources: oneOut, Database: lies},
			StatusWeather{State: weatherIll, Text: liesText, Notices: []string{"1 of 2 sources is out: a. Answers come from b and the cache."}}},
		{"a source out, and callers are not served", StatusReport{Sources: oneOut, Minutes: []StatusMinute{{Requests: 10, Failed: 5}}},
			StatusWeather{State: weatherIll, Text: "1 of 2 sources is out: a, and 5 of 10 requests failed in the last five minutes.", Meaning: "Answers come from b and the cache.", Notices: []string{}}},
		{"callers are not served, and a lie", StatusReport{Sources: works, Database: lies, Minutes: []StatusMinute{{Requests: 10, Failed: 5}}},
			StatusWeather{State: weatherIll, Text: liesText, Notices: []string{"The only source works: a, but 5 of 10 requests failed in the last five minutes."}}},
		{"a few requests failed, and none was asked", StatusReport{Sources: []StatusSource{{Source: "a", State: stateNotAsked}}, Minutes: []StatusMinute{{Requests: 100, Failed: 1}}},
			StatusWeather{State: weatherStrained, Text: "No source has been asked yet, but 1 of 100 requests failed in the last five minutes.", Notices: []string{}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.report.Time = now
			if diff := cmp.Diff(tt.want, weatherOf(&tt.report, false)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
