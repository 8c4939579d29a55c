package main

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTable(t *testing.T) {
	warm := outcomeOf(speed, 0.9, 0.92, 0.95, 0.97)
	warm.promise.name, warm.promise.against, warm.promise.unit = "warm .mod", "bare net/http", "ns/op"
	look := outcomeOf(cost, 0, 2)
	look.promise.name, look.promise.against, look.promise.unit = "p99", "bare net/http", "ns/op"
	away := &outcome{promise: promise{name: "memory"}, skipped: "no /proc"}
	var b strings.Builder
	for _, o := range []*outcome{warm, look, away} {
		table{&b}.row(o)
	}
	var got [][]string
	for line := range strings.Lines(b.String()) {
		got = append(got, strings.Fields(line))
	}
	want := [][]string{
		strings.Fields("warm .mod 100 ns 95.0 ns bare net/http 0.95 0.94 - 0.96 >= 0.9 holds"),
		strings.Fields("p99 200 ns 100 ns bare net/http 2.00 2.00 - 2.00 - -"),
		strings.Fields("memory skipped: no /proc"),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the table (-want +got):\n%s", diff)
	}
}

func TestFormat(t *testing.T) {
	for _, tt := range []struct {
		x    float64
		unit string
		want string
	}{
		{12, "ns/op", "12.0 ns"},
		{1234, "ns/op", "1.23 µs"},
		{123456, "ns/op", "123 µs"},
		{12.3e9, "ns/op", "12.3 s"},
		{4e12, "ns/op", "4000 s"},
		{512, "B/op", "512 B"},
		{1536, "B/op", "1.50 KiB"},
		{64 << 20, "B/op", "64.0 MiB"},
		{-2048, "B/op", "-2.00 KiB"},
		{14.02, "allocs/op", "14.0"},
		{1.5, "requests", "1.5 requests"},
	} {
		if got := format(tt.x, tt.unit); got != tt.want {
			t.Errorf("%v %s is written %q, want %q", tt.x, tt.unit, got, tt.want)
		}
	}
}

func TestRecord(t *testing.T) {
	o := &outcome{
		promise: promise{name: "warm .mod, 1 at once", unit: "ns/op"},
		ours:    []sample{{value: 1234.5}, {value: 2e9, also: []metric{{17, "p99-ns"}}}},
		limit:   []sample{{value: 1000}, {value: 1001}},
	}
	var b strings.Builder
	machine := []metadata{{"goos", "plan9"}, {"cpu", "a good one"}}
	if err := writeRecord(&b, machine, []*outcome{o, {promise: promise{name: "memory"}, skipped: "no /proc"}}); err != nil {
		t.Fatal(err)
	}
	want := strings.ReplaceAll(`goos: plan9
cpu: a good one
BenchmarkWarmMod1AtOnce/ours-N 1 1234.5 ns/op
BenchmarkWarmMod1AtOnce/ours-N 1 2e+09 ns/op 17 p99-ns
BenchmarkWarmMod1AtOnce/limit-N 1 1000 ns/op
BenchmarkWarmMod1AtOnce/limit-N 1 1001 ns/op
`, "-N", fmt.Sprint("-", runtime.GOMAXPROCS(0)))
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("the record (-want +got):\n%s", diff)
	}
}

// Two promises of one name would be one benchmark.
func TestNamesAreUnique(t *testing.T) {
	seen := map[string]string{}
	for _, p := range promises() {
		name := benchmarkName(p.name)
		if other, ok := seen[name]; ok {
			t.Errorf("%q and %q are both %s", other, p.name, name)
		}
		seen[name] = p.name
	}
}
