package readme_test

import (
	"errors"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"unsafe"

	"github.com/rogpeppe/go-internal/testscript"
)

// aloneKey is set in the process that has a network of its own.
const aloneKey = "BREAKWATER_TEST_ALONE"

// alone runs the tests in a process with a network of its own, which is a loopback
// interface on which all ports are free, and nothing else: so the scripts can use
// the ports that README.md names, and nothing can leave the machine. What the process
// mounts is its own, too. Where the system does not allow that it returns false, as it
// does in that process.
func alone() (status int, ok bool) {
	if os.Getenv("BREAKWATER_LIVE") != "" {
		return 0, false
	}
	if os.Getenv(aloneKey) != "" {
		if err := errors.Join(raiseLoopback(), keepMounts()); err != nil {
			panic(err)
		}
		return 0, false
	}
	runtime.LockOSThread() // whose end the child would take for this process's
	defer runtime.UnlockOSThread()
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Env = append(os.Environ(), aloneKey+"=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	if os.Getuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	if cmd.Start() != nil {
		return 0, false
	}
	if _, isExit := errors.AsType[*exec.ExitError](cmd.Wait()); isExit {
		return max(cmd.ProcessState.ExitCode(), 1), true
	}
	return 0, true
}

// raiseLoopback is "ip link set lo up".
func raiseLoopback() error {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM, 0)
	if err != nil {
		return err
	}
	defer syscall.Close(fd)
	var request struct {
		name  [syscall.IFNAMSIZ]byte
		flags uint16
		_     [22]byte
	}
	copy(request.name[:], "lo")
	request.flags = syscall.IFF_UP | syscall.IFF_RUNNING
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), syscall.SIOCSIFFLAGS, uintptr(unsafe.Pointer(&request))); errno != 0 {
		return os.NewSyscallError("ioctl", errno)
	}
	return nil
}

// keepMounts has no other process see what this one mounts.
func keepMounts() error {
	return os.NewSyscallError("mount", syscall.Mount("none", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""))
}

// cmdSmall mounts a file system of that size, such as 64k, on a directory, which it
// makes. It is for scripts that run alone.
func cmdSmall(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: small DIR SIZE")
	}
	dir := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(dir, 0o777))
	ts.Check(os.NewSyscallError("mount", syscall.Mount("none", dir, "tmpfs", 0, "size="+args[1])))
	s := stageOf(ts)
	s.alsoClose = append(s.alsoClose, func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
}
