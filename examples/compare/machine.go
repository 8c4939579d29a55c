package main

import (
	"fmt"
	"os"
	"runtime"
	"strings"
)

// machine says where the figures come from: system, processor, cores, version of Go.
func machine() string {
	return fmt.Sprintf("%s/%s, %s, %d cores, %s", runtime.GOOS, runtime.GOARCH, processor(), runtime.NumCPU(), runtime.Version())
}

// processor is the CPU's model, where there is a /proc/cpuinfo that tells it.
func processor() string {
	info, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "unknown processor"
	}
	for line := range strings.Lines(string(info)) {
		key, value, _ := strings.Cut(line, ":")
		if strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown processor"
}
