package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// How long a peer is waited for.
const (
	startWithin = 20 * time.Second // until it accepts connections
	stopWithin  = 5 * time.Second  // until it has ended, when it was asked to; then it is killed
)

// A process is a peer that runs, in a process group of its own. Its methods are called by
// one goroutine at a time.
type process struct {
	cmd    *exec.Cmd
	output *tail
	ended  chan struct{} // closed when the process has ended
}

// startProcess starts a command and waits until somebody accepts connections at address.
// The error says in one line what the command did instead.
func startProcess(ctx context.Context, argv, env []string, dir, address string) (*process, error) {
	p := &process{cmd: exec.Command(argv[0], argv[1:]...), output: &tail{}, ended: make(chan struct{})}
	p.cmd.Env, p.cmd.Dir = env, dir
	p.cmd.Stdout, p.cmd.Stderr = p.output, p.output
	p.cmd.WaitDelay = time.Second // for what it started and left with its output
	inGroup(p.cmd)
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { // stop waits for it
		p.cmd.Wait() // the state tells how it ended
		close(p.ended)
	}()
	if err := p.ready(ctx, address); err != nil {
		p.stop()
		return nil, err
	}
	return p, nil
}

// ready waits until the process accepts connections.
func (p *process) ready(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startWithin, fmt.Errorf("it does not listen on {addr} within %v", startWithin))
	defer cancel()
	for {
		conn, err := net.DialTimeout("tcp", address, time.Second)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-p.ended:
			return fmt.Errorf("it ended at once (%v)%s", p.cmd.ProcessState, p.output.lastLine())
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// stop ends the process and all that it started, and waits for its end. Where p is nil,
// nothing runs.
func (p *process) stop() {
	if p == nil {
		return
	}
	endGroup(p.cmd)
	select {
	case <-p.ended:
	case <-time.After(stopWithin):
	}
	killGroup(p.cmd) // also what the process left behind
	<-p.ended
}

// A tail keeps the end of what is written to it.
type tail struct {
	mu   sync.Mutex
	text string
}

func (t *tail) Write(p []byte) (int, error) {
	const kept = 4 << 10
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text += string(p)
	t.text = t.text[max(0, len(t.text)-kept):]
	return len(p), nil
}

// lastLine is what was said last, after a colon; empty if nothing was.
func (t *tail) lastLine() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	text := strings.TrimSpace(t.text)
	if text == "" {
		return ""
	}
	return ": " + strings.TrimSpace(text[strings.LastIndexByte(text, '\n')+1:])
}

// freeAddress returns an address on the loopback interface that nobody listens on.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), errors.Join(l.Close())
}
