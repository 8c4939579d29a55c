package survey_test

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/breakwater-go/breakwater/examples/modget/internal/survey"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/verify"
	"github.com/google/go-cmp/cmp"
)

// Over real connections, beside a source that is in order: what is wrong with a source
// is found, "it does not have it" is not taken for "it failed", and who cannot be
// relied on is not recommended.
func TestRunFaults(t *testing.T) {
	files := newTree(t)
	zipKey, modKey := key(t, upstream.Zip, large), key(t, upstream.Mod, small)
	otherZip := zipOf(t, large, map[string]string{"go.mod": "module " + large.Path + "\n", "data": "other"})
	damaged := files[zipKey][:1_000] + "damaged" + files[zipKey][1_007:]
	release := make(chan struct{})
	t.Cleanup(func() { close(release) })
	hanging := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	})
	answer := func(status int, text string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, text)
		})
	}
	tests := []struct {
		name      string
		source    survey.Source
		unchecked bool // there is no Verifier
		want      outcome
		list      string
	}{
		{name: "in order", source: serve(t, "other", files),
			want: outcome{Reachable: true, Coverage: survey.Coverage{Asked: 6, Had: 6}, Agreement: survey.Agreement{Hashed: 4, Confirmed: 4, Shared: 4}},
			list: "other|good"},
		{name: "down", source: at(t, "other", refused(t)),
			want: outcome{GivenUp: true, Errors: map[string]int{"unavailable": 3}, Coverage: survey.Coverage{Asked: 3, Failed: firstFiles}, Problem: "refused"},
			list: "good"},
		{name: "hangs", source: serve(t, "other", hanging),
			want: outcome{GivenUp: true, Errors: map[string]int{"timeout": 1}, Coverage: survey.Coverage{Asked: 1, Failed: firstFiles[:1]}, Problem: "no answer"},
			list: "good"},
		{name: "wants credentials", source: serve(t, "other", answer(http.StatusUnauthorized, "who are you?")),
			want: outcome{GivenUp: true, Errors: map[string]int{"denied": 3}, Coverage: survey.Coverage{Asked: 3, Failed: firstFiles}, Problem: "authentication"},
			list: "good"},
		{name: "sends a page", source: serve(t, "other", answer(http.StatusOK, "<html>log in</html>")),
			want: outcome{GivenUp: true, Errors: map[string]int{"unavailable": 3}, Coverage: survey.Coverage{Asked: 3, Failed: firstFiles}, Problem: "wrong content"},
			list: "good"},
		{name: "has nothing", source: serve(t, "other", tree{}),
			want: outcome{Reachable: true, Coverage: survey.Coverage{Asked: 6, Missing: allFiles}},
			list: "other,good"},
		{name: "lacks a zip", source: serve(t, "other", files.with(zipKey, "")),
			want: outcome{Reachable: true, Coverage: survey.Coverage{Asked: 6, Had: 5, Missing: []string{zipKey}}, Agreement: survey.Agreement{Hashed: 3, Confirmed: 3, Shared: 3}},
			list: "good"},
		{name: "sends another zip", source: serve(t, "other", files.with(zipKey, otherZip)),
			want: outcome{Reachable: true, Coverage: survey.Coverage{Asked: 6, Had: 6}, Agreement: survey.Agreement{Hashed: 4, Confirmed: 3, Shared: 3, Contradicted: []string{zipKey}}},
			list: "good"},
		{name: "sends another go.mod, and nobody knows", source: serve(t, "other", files.with(modKey, "module example.com/Small\n\ngo 1.25\n")), unchecked: true,
			want: outcome{Reachable: true, Coverage: survey.Coverage{Asked: 6, Had: 6}, Agreement: survey.Agreement{Hashed: 4, Shared: 3, Disputed: []string{modKey}}},
			list: ""},
		{name: "sends another zip each time", source: serve(t, "other", alternating(files, zipKey, otherZip)),
			want: outcome{Reachable: true, Coverage: survey.Coverage{Asked: 6, Had: 6}, Agreement: survey.Agreement{Hashed: 4, Confirmed: 3, Shared: 4, Contradicted: []string{zipKey}}},
			list: "good"},
		{name: "breaks off zips", source: serve(t, "other", breakingOff(files)),
			want: outcome{Reachable: true, Errors: map[string]int{"unavailable": 2},
				Coverage: survey.Coverage{Asked: 6, Had: 4, Failed: allFiles[4:]}, Agreement: survey.Agreement{Hashed: 2, Confirmed: 2, Shared: 2}},
			list: "good"},
		{name: "sends a damaged zip", source: serve(t, "other", files.with(zipKey, damaged)),
			want: outcome{Reachable: true, Errors: map[string]int{"unavailable": 1},
				Coverage: survey.Coverage{Asked: 6, Had: 5, Failed: []string{zipKey}}, Agreement: survey.Agreement{Hashed: 3, Confirmed: 3, Shared: 3}},
			list: "good"},
		{name: "lists what was", source: serve(t, "other", files.with("example.com/large/v2/@v/list", "v2.0.0\n")),
			want: outcome{Reachable: true, Coverage: survey.Coverage{Asked: 6, Had: 6}, Agreement: survey.Agreement{Hashed: 4, Confirmed: 4, Shared: 4},
				Behind: []survey.ListFigures{{Module: large.Path, Known: true, Listed: 1, Lacks: 2, NewestLacked: "v2.2.0-rc.1", Latest: "v2.1.0", LatestTime: newYear, Behind: true}}},
			list: "good|other"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			opts := &survey.Options{Sources: []survey.Source{test.source, serve(t, "good", files)}, Sample: sample(), Patience: patience}
			if !test.unchecked {
				opts.Verifier = files.goSum(t)
			}
			r := run(t, opts)
			if diff := cmp.Diff(test.want, outcomeOf(figures(t, r, "other"))); diff != "" {
				t.Errorf("figures (-want +got):\n%s", diff)
			}
			if got := inNamedOrder(r.Recommended, test.list); got != test.list {
				t.Errorf("recommended is %q, want %q", r.Recommended, test.list)
			}
			if good := figures(t, r, "good"); good.Coverage.Had != 6 || good.Failures > 0 {
				t.Errorf("of the source in order it is said: %+v", good)
			}
		})
	}
}

// patience is long beside what loopback takes, and all that a source that hangs costs.
const patience = time.Second

var (
	newYear = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

	allFiles = []string{
		"example.com/!small/@v/v1.0.0.mod", "example.com/large/v2/@v/v2.1.0.mod",
		"example.com/!small/@v/v1.0.0.info", "example.com/large/v2/@v/v2.1.0.info",
		"example.com/!small/@v/v1.0.0.zip", "example.com/large/v2/@v/v2.1.0.zip",
	}
	firstFiles = allFiles[:3]
)

// inNamedOrder is got, or want if got differs only in which of two sources in order
// was the faster by chance.
func inNamedOrder(got, want string) string {
	if want == "other|good" && got == "good|other" {
		return want
	}
	return got
}

// An outcome is what of the figures is the same in each run.
type outcome struct {
	Reachable, GivenUp bool
	Errors             map[string]int
	Coverage           survey.Coverage
	Agreement          survey.Agreement
	Behind             []survey.ListFigures
	Problem            string // of the first finding
}

func outcomeOf(f survey.Figures) outcome {
	o := outcome{Reachable: f.Reachable, GivenUp: f.GivenUp, Coverage: f.Coverage, Agreement: f.Agreement}
	if len(f.Errors) > 0 {
		o.Errors = f.Errors
	}
	for _, l := range f.Lists {
		if l.Behind && l.Listed > 0 {
			o.Behind = append(o.Behind, l)
		}
	}
	if len(f.Findings) > 0 {
		o.Problem = f.Findings[0].Problem.String()
	}
	return o
}

// refused returns the URL of a port at which nobody listens.
func refused(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return "http://" + l.Addr().String()
}

// alternating serves another content of a file every other time.
func alternating(files tree, key, content string) http.Handler {
	n := 0
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/"+key {
			files.ServeHTTP(w, r)
			return
		}
		n++ // calls come one by one
		if n%2 == 0 {
			_, _ = io.WriteString(w, content)
			return
		}
		files.ServeHTTP(w, r)
	})
}

// breakingOff closes the connection in the middle of each zip.
func breakingOff(files tree) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, ".zip") {
			files.ServeHTTP(w, r)
			return
		}
		content := files[r.URL.Path[1:]]
		w.Header().Set("Content-Length", "1000000")
		_, _ = io.WriteString(w, content[:len(content)/2])
		panic(http.ErrAbortHandler)
	})
}

// The hashes of a file that differs are shown, and who says which is right.
func TestRunDisagreement(t *testing.T) {
	files := newTree(t)
	modKey := key(t, upstream.Mod, large) // for which they are asked in reverse
	other := "module example.com/large/v2\n\ngo 1.25\n"
	r := run(t, &survey.Options{Verifier: files.goSum(t), Sources: []survey.Source{serve(t, "good", files), serve(t, "lies", files.with(modKey, other))}})
	right, lie := hashMod(t, files[modKey]), hashMod(t, other)
	want := []survey.Disagreement{{File: modKey, Expected: []string{right}, By: "go.sum",
		Hashes: []survey.Hash{{Source: "good", H1: right}, {Source: "lies", H1: lie, Wrong: true}}}}
	if diff := cmp.Diff(want, r.Disagreements); diff != "" {
		t.Errorf("disagreements (-want +got):\n%s", diff)
	}
}

func hashMod(t *testing.T, content string) string {
	t.Helper()
	h1, err := verify.HashMod(strings.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	return h1
}
