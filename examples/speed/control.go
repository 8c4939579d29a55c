package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"strings"
)

// A report is a child's answer to a command.
type report struct {
	Mallocs  uint64 // objects allocated since its start
	Heap     uint64 // bytes of live and not yet swept objects
	Resident uint64 // bytes of memory that it has; 0: unknown
	Peak     uint64 // the most that it had since the last "settle"; 0: unknown
	Problem  string // why the command failed; "": it did not
}

// control answers the commands that come in, one per line, until there are no more or
// ctx ends. They are "stats", "settle", which collects garbage and gives memory back
// before, "profile FILE", which starts a CPU profile, and "stop", which ends it.
func control(ctx context.Context, in io.Reader, out io.Writer, addresses map[string]string) error {
	answers := json.NewEncoder(out)
	if err := answers.Encode(addresses); err != nil {
		return err
	}
	c := controlled{stop: func() error { return nil }}
	lines := bufio.NewScanner(in)
	for ctx.Err() == nil && lines.Scan() {
		if err := answers.Encode(c.answer(lines.Text())); err != nil {
			return err
		}
	}
	return lines.Err()
}

// controlled is what commands change.
type controlled struct{ stop func() error }

func (c *controlled) answer(line string) report {
	if err := c.do(line); err != nil {
		return report{Problem: err.Error()}
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	r := report{Mallocs: m.Mallocs, Heap: m.HeapAlloc}
	r.Resident, r.Peak = residentMemory()
	return r
}

func (c *controlled) do(line string) (err error) {
	command, argument, _ := strings.Cut(line, " ")
	switch command {
	case "stats":
		return nil
	case "settle":
		debug.FreeOSMemory() // it collects garbage, too
		return forgetPeak()
	case "profile":
		stop, err := startProfile(argument)
		if err == nil {
			c.stop = stop
		}
		return err
	case "stop":
		return c.stop()
	}
	return fmt.Errorf("no such command: %q", line)
}
