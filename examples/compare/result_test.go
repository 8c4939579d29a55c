package main

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCell(t *testing.T) {
	yes := func(seconds float64) attempt { return attempt{Right: true, Seconds: seconds} }
	no := func(said string, seconds float64) attempt { return attempt{Said: said, Seconds: seconds} }
	for _, tt := range []struct {
		name string
		r    result
		want string
	}{
		{"nothing was tried", result{}, "-"},
		{"nothing could be", result{Problem: "cannot be warmed: 500"}, "cannot be warmed: 500"},
		{"at once", result{Attempts: []attempt{yes(0.001)}, counted: "-"}, "yes, under 0.01 s"},
		{"the median", result{Attempts: []attempt{yes(0.3), yes(0.1), yes(0.2)}, counted: "-"}, "yes, 0.20 s"},
		{"a slow first", result{Attempts: []attempt{yes(2.5), yes(0.1), yes(0.2)}, counted: "-"}, "yes, 0.20 s (first 2.5 s)"},
		{"none", result{Attempts: []attempt{no("500", 3), no("500", 4)}, counted: "-"}, "no: 500, 4.0 s"},
		{"some", result{Attempts: []attempt{yes(1), no("404", 1)}, counted: "-"}, "1 of 2: 404, 1.0 s"},
		{"no answer", result{Attempts: []attempt{no(gaveUp, 30)}, counted: "-"}, "no: no answer in 30 s"},
		{"requests of a round", result{Attempts: []attempt{yes(1), yes(1)}, Requests: 9, rounds: 2}, "yes, 1.0 s, 4.5 requests"},
		{"one request", result{Attempts: []attempt{yes(1)}, Requests: 2, rounds: 2}, "yes, 1.0 s, 1 request"},
		{"files alike", result{Attempts: []attempt{yes(0.1).as(".mod"), yes(0.2).as("list")}, counted: "-"}, "yes, 0.20 s"},
		{
			"files alike, told in two ways",
			result{Attempts: []attempt{{Part: ".mod", Right: true, Seconds: 3, Said: "502"}, {Part: "list", Right: true, Seconds: 3, Said: "503"}}, counted: "-"},
			"yes (502 or 503), 3.0 s",
		},
		{"no file", result{Attempts: []attempt{no("404", 1).as(".mod"), no("404", 1).as("list")}, counted: "-"}, "no: 404, 1.0 s"},
		{"one file is slow", result{Attempts: []attempt{yes(0.1).as(".mod"), yes(6).as("list")}, counted: "-"}, ".mod yes, 0.10 s; list yes, 6.0 s"},
		{"one file is wrong", result{Attempts: []attempt{yes(0.1).as(".mod"), no("500", 0.1).as("list")}, counted: "-"}, ".mod yes, 0.10 s; list no: 500, 0.10 s"},
		{"parts that need a name", result{Attempts: []attempt{yes(1).as("cached: build"), yes(1).as("back: build")}, counted: "-"}, "cached: build yes, 1.0 s; back: build yes, 1.0 s"},
	} {
		if got := tt.r.cell(); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestReason(t *testing.T) {
	long := "go: " + strings.Repeat("o", 100)
	for _, tt := range []struct{ message, want string }{
		{"go: m@v1.0.0: reading http://127.0.0.1:1/m/@v/v1.0.0.zip: 502 Bad Gateway\n\tserver response: connection refused", "502"},
		{"go: m: dial tcp 127.0.0.1:1: connect: connection refused", "connection refused"},
		{"verifying module: checksum mismatch\n\nSECURITY ERROR\nThis download does NOT match", "checksum mismatch"},
		{"go: something else\n", "go: something else"},
		{gaveUp, gaveUp},
		{long, long[len(long)-80:]},
		{"", ""},
	} {
		if got := reason(tt.message); got != tt.want {
			t.Errorf("%q becomes %q, want %q", tt.message, got, tt.want)
		}
	}
}

func TestMarkdown(t *testing.T) {
	var b strings.Builder
	d := &document{w: &b}
	d.begin([]*peer{{name: "go command, a|b", setting: "no proxy"}, {name: "breakwater"}})
	d.scenario(scenario{name: "all well"})
	d.result(result{Scenario: "all well", Peer: "go command, a|b", Attempts: []attempt{{Right: true, Seconds: 1}}, counted: "-"})
	d.result(result{Scenario: "all well", Peer: "breakwater", Problem: "a|b"})
	if err := d.end(); err != nil {
		t.Fatal(err)
	}
	var got []string
	for line := range strings.Lines(b.String()) {
		if strings.HasPrefix(line, "|") {
			got = append(got, line)
		}
	}
	want := []string{"|  | go command, a\\|b | breakwater |\n", "|---|---|---|\n", "| all well | yes, 1.0 s | a\\|b |\n"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the table (-want +got):\n%s", diff)
	}
	if !strings.HasPrefix(b.String(), "Measured on ") || !strings.Contains(b.String(), "- go command, a|b: no proxy\n") {
		t.Errorf("where from and what settings are missing in\n%s", b.String())
	}
}

// A table that could not be written is a failure, as for a full disk.
func TestDocumentIsWritten(t *testing.T) {
	out, err := os.Open(os.DevNull) // not for writing
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	d := &document{w: out}
	d.begin(nil)
	if err := d.end(); err == nil {
		t.Error("no error")
	}
}
