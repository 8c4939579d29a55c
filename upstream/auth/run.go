package auth

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"time"
)

const maxOutput = 256 << 10

var (
	errOutput = fmt.Errorf("it printed more than the %d bytes allowed", maxOutput)
	errSlow   = errors.New("it did not end in time")
)

// run runs a program to its end and returns what it printed. The error names the
// program; neither its arguments nor what it printed, which may be secret.
func (o *Options) run(ctx context.Context, dir string, env []string, stdin string, words ...string) ([]byte, error) {
	limited, cancel := o.limit(ctx)
	defer cancel()
	stdout := &bounded{}
	cmd := exec.CommandContext(limited, words[0], words[1:]...)
	cmd.Dir, cmd.Env = dir, env
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader([]byte(stdin)), stdout, o.Stderr
	cmd.WaitDelay = time.Second // for what it leaves running that keeps the pipes open
	detach(cmd)
	err := cmd.Run()
	if errors.Is(err, exec.ErrWaitDelay) {
		_ = cmd.Cancel() // what it has left running has its pipes, so it is there
	}
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case limited.Err() != nil:
		err = errSlow
	case stdout.full:
		err = errOutput
	}
	if err != nil {
		return nil, fmt.Errorf("GOAUTH command %s: %w", words[0], err)
	}
	return stdout.data.Bytes(), nil
}

func (o *Options) limit(ctx context.Context) (context.Context, context.CancelFunc) {
	if o.Timeout < 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, o.Timeout)
}

// bounded is a buffer that refuses what is too much, which ends most programs.
type bounded struct {
	data bytes.Buffer
	full bool
}

func (b *bounded) Write(p []byte) (int, error) {
	if b.data.Len()+len(p) > maxOutput {
		b.full = true
		return 0, errOutput
	}
	return b.data.Write(p)
}
