package main

import (
	"os"
	"strconv"
	"strings"
)

// residentMemory returns how much memory this process has and the most that it had
// since [forgetPeak], in bytes (VmRSS and VmHWM, proc_pid_status(5)); zeros where there
// is no /proc.
func residentMemory() (now, peak uint64) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, 0
	}
	return statusField(string(status), "VmRSS"), statusField(string(status), "VmHWM")
}

// statusField returns the field of /proc/self/status with that name, which is given in
// kB there, in bytes; 0 if there is none.
func statusField(status, name string) uint64 {
	for line := range strings.Lines(status) {
		key, value, _ := strings.Cut(line, ":")
		if key != name {
			continue
		}
		kilobytes, err := strconv.ParseUint(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
		if err != nil {
			return 0
		}
		return kilobytes << 10
	}
	return 0
}

// forgetPeak makes what this process has now its peak (proc_pid_clear_refs(5)), where
// the kernel has that.
func forgetPeak() error {
	err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0)
	if os.IsNotExist(err) {
		return nil
	}
	return err
}
