package gocmd

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
)

// memberStates returns the state of each process of a group (proc(5), stat).
func memberStates(group int) (states []byte, known bool) {
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil || len(files) == 0 {
		return nil, false
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			continue // it is gone
		}
		// The name, in parentheses, may hold anything.
		fields := bytes.Fields(data[bytes.LastIndexByte(data, ')')+1:])
		if len(fields) > 2 && string(fields[2]) == strconv.Itoa(group) {
			states = append(states, fields[0][0])
		}
	}
	return states, true
}
