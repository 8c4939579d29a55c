package survey_test

import (
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/breakwater-go/breakwater/examples/modget/internal/survey"
	"github.com/breakwater-go/breakwater/fetch"
	"github.com/google/go-cmp/cmp"
)

// specimen is a report with something of everything.
func specimen() *survey.Report {
	r := &survey.Report{At: newYear.AddDate(0, 0, 12), Took: 3 * time.Second, Sample: []string{"example.com/m@v1.0.0"}, Rounds: 3, Sources: []survey.Figures{
		{Name: "https://proxy.example", Reachable: true, Calls: 40,
			Latency:    survey.Latency{First: 312 * time.Millisecond, Median: 8200 * time.Microsecond, P95: 1240 * time.Millisecond, Count: 23},
			Throughput: survey.Throughput{BytesPerSecond: 12_340_000, Of: "example.com/m@v1.0.0", Bytes: 9_000_000, Count: 3},
			Coverage:   survey.Coverage{Asked: 24, Had: 24}, Lists: []survey.ListFigures{{Module: "example.com/m", Known: true, Listed: 3, Latest: "v1.0.0", LatestTime: newYear}},
			Agreement: survey.Agreement{Hashed: 16, Confirmed: 16, Shared: 15}, Estimate: 900 * time.Millisecond},
		{Name: "https://xxxxx@mirror.example/a/path/that/is/quite/long", Reachable: true, Calls: 40, Failures: 1,
			Latency:    survey.Latency{First: 45 * time.Millisecond, Median: 950 * time.Microsecond, P95: 2 * time.Millisecond, Count: 23},
			Throughput: survey.Throughput{BytesPerSecond: 2_500_000_000, Of: "example.com/m@v1.0.0", Bytes: 1_000_000, Cut: true, Count: 1},
			Coverage:   survey.Coverage{Asked: 24, Had: 20, Missing: []string{"x/@v/v1.0.0.info", "x/@v/v1.0.0.mod", "x/@v/v1.0.0.zip"}, Failed: []string{"y/@v/v1.0.0.zip"}},
			Lists:      []survey.ListFigures{{Module: "example.com/m", Known: true, Listed: 2, Lacks: 1, NewestLacked: "v1.0.0", Latest: "v0.9.0", LatestTime: newYear.AddDate(-3, 0, 0), Behind: true}},
			Agreement:  survey.Agreement{Hashed: 16, Confirmed: 15, Shared: 15, Contradicted: []string{"example.com/m/@v/v1.0.0.zip"}},
			Errors:     map[string]int{"unavailable": 1}, FirstError: "y@v1.0.0 (zip): mirror: unavailable (status 500)", Estimate: 5 * time.Millisecond},
		{Name: "https://down.example", GivenUp: true, Calls: 3, Failures: 3, Coverage: survey.Coverage{Asked: 1, Failed: []string{"example.com/m/@v/v1.0.0.mod"}},
			Errors: map[string]int{"unavailable": 2, "timeout": 1}, FirstError: "it does not answer",
			Findings: []fetch.Finding{{Problem: fetch.ProblemRefused, Text: "nothing listens there", Advice: "start it", Err: errors.New("refused")}}},
		{Name: "direct", Skipped: "it is no server"},
	}, Disagreements: []survey.Disagreement{{File: "example.com/m/@v/v1.0.0.zip", Expected: []string{"h1:right"}, By: "sum.golang.org",
		Hashes: []survey.Hash{{Source: "https://proxy.example", H1: "h1:right"}, {Source: "https://xxxxx@mirror.example/a/path/that/is/quite/long", H1: "h1:wrong", Wrong: true}}}}}
	r.Recommended, r.Why = survey.Recommend(r.Sources)
	return r
}

const narrow = ` 1  https://proxy.example
 2  https://xxxxx@mirror.example/a/path/that/is/quite/long
 3  https://down.example
 4  direct

source   first  median     p95      zips    has  lists  hashes  failed
1       312 ms  8.2 ms   1.2 s   12 MB/s  24/24    new   right    0/40
2        45 ms  950 µs  2.0 ms  2.5 GB/s  20/24  1 old   WRONG    1/40
3            -       -       -         -    0/1      -       -     3/3
4            -       -       -         -      -      -       -       -

https://xxxxx@mirror.example/a/path/that/is/quite/long
  - It failed 1 of 40 calls (1 unavailable). The first: y@v1.0.0 (zip): mirror:
    unavailable (status 500)
  - It does not have x/@v/v1.0.0.info, x/@v/v1.0.0.mod and x/@v/v1.0.0.zip.
  - Nobody knows whether it has y/@v/v1.0.0.zip: it failed each time.
  - Of example.com/m@v1.0.0 only 1000000 bytes were read, because of the bounds
    on size and time.
  - example.com/m: it lists 2 of 3 known versions, and not v1.0.0; its @latest
    is v0.9.0, 3 years old.

https://down.example
  - It failed 3 of 3 calls (1 timeout, 2 unavailable) and was asked no more. The
    first: it does not answer
  - What is wrong: nothing listens there. What to do: start it.

example.com/m/@v/v1.0.0.zip is not the same everywhere, or not what it should be:
  h1:right  https://proxy.example
  h1:wrong  https://xxxxx@mirror.example/a/path/that/is/quite/long  WRONG
  h1:right  is right, says sum.golang.org

Recommended: GOPROXY=https://proxy.example,direct
  - https://proxy.example is asked first: it has everything, sends what it
    should and takes about 900 ms for the whole sample.
  - https://xxxxx@mirror.example/a/path/that/is/quite/long is left out: it sends
    other bytes than it should, in example.com/m/@v/v1.0.0.zip: do not use it
    before its owner can say why.
  - https://down.example is left out: it could not be reached, or gave no answer
    that can be used.
  - direct stays last, behind a ",": what no source has comes from version
    control, but when sources fail the go command stops rather than ask there.
`

// Where there is no room for names, numbers stand for them; else they are in the table.
func TestWriteTable(t *testing.T) {
	for _, width := range []int{80, 0} {
		if diff := cmp.Diff(strings.Split(narrow, "\n"), strings.Split(written(t, specimen(), width), "\n")); diff != "" {
			t.Errorf("in %d columns (-want +got):\n%s", width, diff)
		}
	}
	wide := written(t, specimen(), 132)
	const first = "https://proxy.example                                   312 ms  8.2 ms   1.2 s   12 MB/s  24/24    new   right    0/40\n"
	if !strings.Contains(wide, first) {
		t.Errorf("in 132 columns there is no line\n%s in\n%s", first, wide)
	}
}

// No line is longer than there is room, but for names and hashes.
func TestWriteTableWidth(t *testing.T) {
	for _, width := range []int{76, 100, 132} {
		for line := range strings.Lines(written(t, specimen(), width)) {
			if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > width && !strings.Contains(line, "v1.0.0.zip is not the same") {
				t.Errorf("in %d columns a line has %d: %s", width, n, line)
			}
		}
	}
}

// What is to be pasted into a shell may be.
func TestWriteTableQuotes(t *testing.T) {
	text := written(t, &survey.Report{Recommended: "https://a.example|https://b.example,direct"}, 0)
	if want := "GOPROXY='https://a.example|https://b.example,direct'\n"; !strings.Contains(text, want) {
		t.Errorf("there is no %q in:\n%s", want, text)
	}
	if text := written(t, &survey.Report{}, 0); !strings.Contains(text, "Nothing to recommend.") {
		t.Errorf("with nothing to recommend it says:\n%s", text)
	}
}

func written(t *testing.T, r *survey.Report, width int) string {
	t.Helper()
	var b strings.Builder
	if err := r.WriteTable(&b, width); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// A writer that fails is told of.
func TestWriteTableFails(t *testing.T) {
	full := errors.New("disk full")
	if err := specimen().WriteTable(failingWriter{full}, 80); !errors.Is(err, full) {
		t.Errorf("error is %v, want %v", err, full)
	}
}

type failingWriter struct{ err error }

func (w failingWriter) Write([]byte) (int, error) { return 0, w.err }

// Programs rely on these names.
func TestReportJSON(t *testing.T) {
	r := specimen()
	r.Sources, r.Why = r.Sources[1:3], nil
	r.Sources[1].Coverage = survey.Coverage{}
	got, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("testdata/report.json")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(string(got)+"\n", "\n")); diff != "" {
		t.Errorf("JSON (-want +got):\n%s", diff)
	}
}
