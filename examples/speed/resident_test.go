package main

import "testing"

func TestStatusField(t *testing.T) {
	const status = "Name:\tspeed\nVmPeak:\t 1234 kB\nVmHWM:\t   64 kB\nVmRSS:\t   48 kB\nThreads:\tmany\n"
	for _, tt := range []struct {
		name string
		want uint64
	}{
		{"VmHWM", 64 << 10},
		{"VmRSS", 48 << 10},
		{"Vm", 0},
		{"Threads", 0},
		{"VmSwap", 0},
	} {
		if got := statusField(status, tt.name); got != tt.want {
			t.Errorf("%s is %d, want %d", tt.name, got, tt.want)
		}
	}
}
