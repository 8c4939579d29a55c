//go:build !unix

package gocmd

import "os/exec"

// ownGroup does nothing: without process groups only the go command itself is
// killed on cancel, and what it started ends when its pipes break.
func ownGroup(*exec.Cmd) {}

func endGroup(*exec.Cmd) {}
