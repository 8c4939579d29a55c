package survey_test

import (
	"strings"
	"testing"
	"time"

	"github.com/breakwater-go/breakwater/examples/modget/internal/survey"
)

// good returns the figures of a source that is in order, has the files a and b, and
// takes so many milliseconds for them.
func good(name string, ms int, changes ...func(*survey.Figures)) survey.Figures {
	f := survey.Figures{Name: name, Reachable: true, Calls: 20,
		Coverage:  survey.Coverage{Asked: 2, Had: 2},
		Lists:     []survey.ListFigures{{Module: "m", Known: true, Listed: 3}},
		Agreement: survey.Agreement{Hashed: 2, Confirmed: 2},
		Estimate:  time.Duration(ms) * time.Millisecond,
	}
	for _, change := range changes {
		change(&f)
	}
	return f
}

func candidate(f *survey.Figures) { f.Candidate = true }
func pipe(f *survey.Figures)      { f.OnAnyError = true }
func stale(f *survey.Figures)     { f.Lists[0].Behind = true }
func lying(f *survey.Figures)     { f.Agreement.Contradicted = []string{"a"} }
func other(f *survey.Figures)     { f.Agreement.Disputed = []string{"a"} }
func unchecked(f *survey.Figures) { f.Agreement.Confirmed, f.Agreement.Shared = 0, 2 }
func down(f *survey.Figures) {
	f.Reachable, f.GivenUp, f.Calls, f.Failures = false, true, 3, 3
	f.Coverage, f.Agreement = survey.Coverage{Asked: 1, Failed: []string{"a"}}, survey.Agreement{}
}
func failing(n int) func(*survey.Figures) { return func(f *survey.Figures) { f.Failures = n } }
func lacking(files ...string) func(*survey.Figures) {
	return func(f *survey.Figures) {
		f.Coverage.Missing, f.Coverage.Had = files, 3-len(files)
		f.Coverage.Asked = 3
	}
}
func without(f *survey.Figures) {
	f.Coverage, f.Agreement = survey.Coverage{Asked: 2, Missing: []string{"a", "b"}}, survey.Agreement{}
	f.Lists[0].Listed, f.Estimate = 0, 0
}

func direct() survey.Figures { return survey.Figures{Name: "direct", Skipped: "a word"} }

// Recommend takes who is right and has everything, fastest first.
func TestRecommend(t *testing.T) {
	tests := []struct {
		name    string
		sources []survey.Figures
		want    string
		why     []string // texts that the reasons hold
	}{
		{"nobody", nil, "", []string{"None"}},
		{"one", []survey.Figures{good("a", 10)}, "a", []string{"a is asked first: it has everything, sends what it should and takes about 10 ms"}},
		{"the fastest first", []survey.Figures{good("a", 100, pipe), good("b", 10)}, "b|a", []string{`a is behind a "|"`}},
		{"direct stays last", []survey.Figures{good("a", 100), good("b", 10), direct()}, "b|a,direct", []string{`direct stays last, behind a ","`}},
		{"off stays last", []survey.Figures{good("a", 10), {Name: "off", Skipped: "a word"}}, "a,off", nil},
		{"about as fast: as they were named", []survey.Figures{good("a", 105), good("b", 100), good("c", 10)}, "c|a|b", nil},
		{"too little known to say how fast", []survey.Figures{good("a", 0), good("b", 900)}, "b|a", nil},
		{"one that the Verifier contradicts is left out", []survey.Figures{good("a", 1, lying), good("b", 10)}, "b", []string{"a is left out: it sends other bytes than it should, in a:"}},
		{"of two that differ, nobody knows who is right", []survey.Figures{good("a", 1, other), good("b", 10, other)}, "",
			[]string{"a is left out: it differs from another source in a, and nobody says which", "b is left out"}},
		{"a third that has not what they differ in", []survey.Figures{good("a", 1, other), good("b", 10, other), good("c", 20)}, "c", nil},
		{"nobody was asked what is right", []survey.Figures{good("a", 1, unchecked), good("b", 10, unchecked)}, "a|b",
			[]string{"sends the same as another source", "measure with the checksum database"}},
		{"a candidate that has nothing", []survey.Figures{good("a", 1, without, candidate), good("b", 10)}, "b", []string{"a is left out: it has nothing of the sample."}},
		{"down", []survey.Figures{good("a", 1, down), good("b", 10)}, "b", []string{"a is left out: it could not be reached, or gave no answer that can be used."}},
		{"all are down", []survey.Figures{good("a", 1, down), direct()}, "", []string{"a is left out", "None of these sources"}},
		{"given up on the way", []survey.Figures{good("a", 1, func(f *survey.Figures) { f.GivenUp = true }), good("b", 10)}, "b", []string{"it failed again and again"}},
		{"fails often", []survey.Figures{good("a", 1, failing(3)), good("b", 10)}, "b", []string{"a is left out: it failed 3 of 20 calls."}},
		{"fails rarely", []survey.Figures{good("a", 1, failing(2)), good("b", 10)}, "b|a", []string{"failed 2 of 20 calls"}},
		{"lists that are behind", []survey.Figures{good("a", 1, stale), good("b", 10)}, "b|a", []string{"has lists that are behind"}},
		{"to fail is worse than to be behind", []survey.Figures{good("a", 1, failing(1)), good("b", 10, stale)}, "b|a", nil},
		{"part of what others have", []survey.Figures{good("a", 1, lacking("b")), good("b", 10)}, "b", []string{"a is left out: it lacks b, which others have"}},
		{"what nobody has does not count", []survey.Figures{good("a", 1, lacking("x")), good("b", 10, lacking("x"))}, "a|b", []string{"None of those that are recommended has x."}},
		{"together they have everything", []survey.Figures{good("a", 10, lacking("x")), good("b", 1, lacking("y", "z"))}, "a,b",
			[]string{"a is asked first: no source has everything", `b is behind a ","`}},
		{"one that adds nothing", []survey.Figures{good("a", 10, lacking("x")), good("b", 1, lacking("x", "y")), good("c", 1, lacking("z", "y"))}, "a,c", []string{"b is left out: what it has"}},
		{"a source of one's own stays first", []survey.Figures{good("own", 0, without), good("b", 10), good("a", 1), direct()}, "own,a|b,direct", []string{"own has nothing of the sample"}},
		{"and stays last", []survey.Figures{good("a", 1), good("own", 0, without), direct()}, "a,own,direct", []string{"own has nothing of the sample, and is asked last"}},
		{"a source of one's own alone", []survey.Figures{good("own", 0, without)}, "", []string{"is there a module proxy at that address?"}},
		{"hashes that nobody saw", []survey.Figures{good("a", 1, func(f *survey.Figures) { f.Agreement = survey.Agreement{} })}, "", []string{"no go.mod file or zip"}},
		{"the order was there for a reason", []survey.Figures{good("a", 100), good("b", 10)}, "b|a", []string{"If a source behind which there was a \",\" has modules of your own"}},
		{"credentials are the user's to write", []survey.Figures{good("https://xxxxx@a.example", 10)}, "https://xxxxx@a.example", []string{"Where it says xxxxx"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, why := survey.Recommend(test.sources)
			if got != test.want {
				t.Errorf("recommended is %q, want %q, because:\n%s", got, test.want, strings.Join(why, "\n"))
			}
			for _, text := range test.why {
				if !strings.Contains(strings.Join(why, "\n"), text) {
					t.Errorf("the reasons do not say %q:\n%s", text, strings.Join(why, "\n"))
				}
			}
		})
	}
}

// Who wrote "|" has said that the order does not matter to private modules.
func TestRecommendOrderIsFree(t *testing.T) {
	_, why := survey.Recommend([]survey.Figures{good("a", 100, pipe), good("b", 10)})
	if text := strings.Join(why, "\n"); strings.Contains(text, "modules of your own") {
		t.Errorf("a warning where none belongs:\n%s", text)
	}
}
