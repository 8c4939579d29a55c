package main

import (
	"os"
	"regexp"
	"runtime"
	"strconv"
	"strings"
)

// Metadata is a line of configuration at the head of a file of benchmarks.
type metadata struct{ key, value string }

// machine says where the figures come from.
func machine() []metadata {
	return []metadata{
		{"goos", runtime.GOOS},
		{"goarch", runtime.GOARCH},
		{"pkg", "github.com/breakwater-go/breakwater/examples/speed"},
		{"cpu", processor()},
		{"cores", strconv.Itoa(runtime.NumCPU())},
		{"go", runtime.Version()},
		{"kernel", kernel()},
	}
}

// recordName is the name of the file in testdata/bench that holds such a machine's figures.
func recordName() string {
	cpu := regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(strings.ToLower(processor()), "-")
	return runtime.GOOS + "-" + runtime.GOARCH + "-" + strings.Trim(cpu, "-") + "-" + strconv.Itoa(runtime.NumCPU()) + ".txt"
}

// processor is the CPU's model, where there is a /proc/cpuinfo that tells it.
func processor() string {
	info, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "unknown"
	}
	for line := range strings.Lines(string(info)) {
		key, value, _ := strings.Cut(line, ":")
		if strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

// kernel is the version of Linux that runs, "unknown" elsewhere.
func kernel() string {
	release, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(release))
}
