package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"
)

// A child is this program in a process of its own, which serves. It ends when its
// standard input does, and so also if this process is killed. It is used by one
// goroutine at a time.
type child struct {
	addresses map[string]string // of its servers, as HOST:PORT

	cmd    *exec.Cmd
	input  io.WriteCloser
	output *json.Decoder
}

// startChild starts a child and waits until it serves. It is killed when ctx ends.
func startChild(ctx context.Context, s serving) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	asked, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	c := &child{cmd: exec.CommandContext(ctx, self)}
	c.cmd.Env = append(os.Environ(), servingVariable+"="+string(asked))
	c.cmd.Stderr = os.Stderr
	c.cmd.WaitDelay = 10 * time.Second
	if c.input, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	output, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	c.output = json.NewDecoder(output)
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	if err := c.output.Decode(&c.addresses); err != nil {
		return nil, errors.Join(fmt.Errorf("the serving process did not start: %w", err), c.close())
	}
	return c, nil
}

// url returns the address of a file at one of the servers.
func (c *child) url(server, key string) string { return "http://" + c.addresses[server] + "/" + key }

// ask sends a command and returns the answer.
func (c *child) ask(command string) (r report, err error) {
	if _, err := io.WriteString(c.input, command+"\n"); err != nil {
		return r, fmt.Errorf("the serving process: %w", err)
	}
	if err := c.output.Decode(&r); err != nil {
		return r, fmt.Errorf("the serving process: %w", err)
	}
	if r.Problem != "" {
		return r, fmt.Errorf("the serving process: %s: %s", command, r.Problem)
	}
	return r, nil
}

// profile has the child profile itself until stop is called.
func (c *child) profile(file string) (stop func() error, err error) {
	_, err = c.ask("profile " + file)
	return func() error {
		_, err := c.ask("stop")
		return err
	}, err
}

// close ends the child and waits for its end.
func (c *child) close() error {
	return errors.Join(c.input.Close(), c.cmd.Wait())
}
