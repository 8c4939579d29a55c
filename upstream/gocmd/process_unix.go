//go:build unix

package gocmd

import (
	"errors"
	"os/exec"
	"syscall"
	"time"
)

// ownGroup has cmd run in a session, and so a process group, of its own: there
// is no terminal to ask for a password, and one signal reaches all of it. On
// cancel the group is asked to end; what remains is killed by endGroup.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	cmd.Cancel = func() error {
		return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
	}
}

// endGroup makes sure that nothing is left of the group of cmd, which was waited
// for. What is ending gets a moment to remove its files. The number of a group
// is not given to a process while the group has members, and where it has none,
// as nearly always, nothing is done.
func endGroup(cmd *exec.Cmd) {
	if cmd.Process == nil {
		return
	}
	group := cmd.Process.Pid
	if ends(group, grace) {
		return
	}
	syscall.Kill(-group, syscall.SIGKILL)
	ends(group, time.Second) // unless the kernel itself holds a process up
}

// ends waits until no process of the group runs, and reports whether it is so.
func ends(group int, wait time.Duration) bool {
	for deadline := time.Now().Add(wait); ; time.Sleep(2 * time.Millisecond) {
		running := runs(group)
		reap(group)
		if !running {
			return true
		}
		if time.Now().After(deadline) {
			return false
		}
	}
}

// runs reports whether the group has members other than those that ended and
// whose parent, which is not always quick, has not looked after them yet.
func runs(group int) bool {
	if errors.Is(syscall.Kill(-group, 0), syscall.ESRCH) {
		return false
	}
	states, known := memberStates(group)
	if !known {
		return true
	}
	for _, state := range states {
		if state != 'Z' && state != 'X' {
			return true
		}
	}
	return false
}

// reap collects those of the group that became our own children because their
// parents died: it is so where we are process 1 of a container, or a subreaper.
func reap(group int) {
	for {
		pid, err := syscall.Wait4(-group, nil, syscall.WNOHANG, nil)
		if pid <= 0 && !errors.Is(err, syscall.EINTR) {
			return
		}
	}
}
