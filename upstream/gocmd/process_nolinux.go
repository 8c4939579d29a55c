//go:build unix && !linux

package gocmd

// memberStates is not known: there is no /proc to read.
func memberStates(int) (states []byte, known bool) { return nil, false }
