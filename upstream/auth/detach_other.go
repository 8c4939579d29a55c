//go:build !unix

package auth

import "os/exec"

// detach leaves it at the program itself, which is killed when its context ends:
// there is no simple way here to name what it has started.
func detach(*exec.Cmd) {}
