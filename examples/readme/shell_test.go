//go:build unix

package readme_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"
)

const (
	// patience is how long a command may take: the first has the library to compile.
	patience = 8 * time.Minute

	// lastWords is how long a command that was interrupted may take to end.
	lastWords = 30 * time.Second
)

// A shell is what the reader types into. Each command is a process of its own,
// whose exit status is seen, and which leaves its directory and its exported
// variables to the next.
type shell struct {
	dir     string
	env     []string
	scratch string
	status  int // of the last command, for one that asks for $?
	running []*running
}

// A running command was started in the background.
type running struct {
	step   step
	cmd    *exec.Cmd
	output *transcript
	ended  chan struct{} // closed when it has
}

// do runs a step and returns what it printed on standard output and standard
// error, as a terminal shows them.
func (s *shell) do(st step) (output string, err error) {
	if st.program != "" {
		return "", os.WriteFile(filepath.Join(s.dir, "main.go"), []byte(st.program), 0o666)
	}
	if st.background {
		return s.leave(st)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	after := filepath.Join(s.scratch, "environment")
	// The environment is written whatever the command's status was, and the
	// status is the command's.
	script := fmt.Sprintf("trap '{ status=$?; pwd -P >%[1]q.dir; env -0 >%[1]q; exit $status; }' EXIT\n(exit %d)\n%s", after, s.status, st.command)
	cmd := exec.CommandContext(ctx, "bash", "--norc", "--noprofile", "-c", script)
	cmd.Dir, cmd.Env = s.dir, s.env
	cmd.WaitDelay = lastWords
	printed, err := cmd.CombinedOutput()
	if _, ok := errors.AsType[*exec.ExitError](err); err != nil && !ok {
		return string(printed), err
	}
	s.status = cmd.ProcessState.ExitCode()
	return string(printed), s.takeOver(after)
}

// takeOver makes what the last command left the next one's.
func (s *shell) takeOver(file string) error {
	dir, err := os.ReadFile(file + ".dir")
	if err != nil {
		return err
	}
	env, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	s.dir = strings.TrimSuffix(string(dir), "\n")
	s.env = strings.Split(strings.TrimSuffix(string(env), "\x00"), "\x00")
	return nil
}

// leave starts a command that goes on, and returns when it has printed what is
// shown, or has ended, which is an error.
func (s *shell) leave(st step) (output string, err error) {
	r := &running{step: st, output: newTranscript(), ended: make(chan struct{})}
	r.cmd = exec.Command("bash", "--norc", "--noprofile", "-c", st.command)
	r.cmd.Dir, r.cmd.Env = s.dir, s.env
	r.cmd.Stdout, r.cmd.Stderr = r.output, r.output
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // so that ^C reaches what it started, as on a terminal
	if err := r.cmd.Start(); err != nil {
		return "", err
	}
	go func() {
		r.cmd.Wait() // how it ends is seen in what it prints
		close(r.ended)
	}()
	s.running = append(s.running, r)
	output, err = r.output.await(func(printed string) bool { return shows(st.output, printed) }, r.ended)
	if err != nil {
		return output, err
	}
	for _, address := range addresses.FindAllString(st.output, -1) {
		err = errors.Join(err, reach(address))
	}
	return output, err
}

// addresses are those that a command says it serves.
var addresses = regexp.MustCompile(`localhost:\d+`)

// reach waits until something listens at address: that a program says so does
// not mean that it has begun.
func reach(address string) error {
	late := time.After(lastWords)
	for {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-late:
			return err
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// interrupt ends what runs in the background, the last first, as ^C does.
func (s *shell) interrupt() error {
	var all error
	for i := len(s.running) - 1; i >= 0; i-- {
		r := s.running[i]
		syscall.Kill(-r.cmd.Process.Pid, syscall.SIGINT)
		select {
		case <-r.ended:
		case <-time.After(lastWords):
			syscall.Kill(-r.cmd.Process.Pid, syscall.SIGKILL)
			<-r.ended
			all = errors.Join(all, fmt.Errorf("README.md:%d: %s does not end when it is interrupted; it printed\n%s", r.step.line, r.step.command, r.output))
		}
	}
	s.running = nil
	return all
}
