//go:build unix

package auth

import (
	"os/exec"
	"syscall"
)

// detach takes the terminal away from the program, so that it cannot prompt, and
// has it killed together with what it has started.
func detach(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
