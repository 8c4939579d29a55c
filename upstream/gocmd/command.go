package gocmd

import (
	"bytes"
	"context"
	"errors"
	"os/exec"
	"path/filepath"
	"time"
)

// maxOutput bounds what is kept of a command's standard output, in bytes: it is
// the largest answer that a command prints, with room for its JSON form.
const maxOutput = 16 << 20

// maxComplaint bounds what is kept of its standard error.
const maxComplaint = 1 << 20

// grace is how long what is left of a process group is given to end before it is
// killed.
const grace = 200 * time.Millisecond

// An output is what came of a command that could be started.
type output struct {
	stdout, stderr []byte
	whole          bool // stdout is all of it
	exited         bool // the command ended by itself, whatever its exit code
	err            error
}

// run runs the go command in the workspace until it ends or ctx does, and
// returns when nothing of it is left.
func (s *Source) run(ctx context.Context, w *workspace, ses *session, args []string) output {
	stdout, stderr := &bounded{most: maxOutput}, &bounded{most: maxComplaint}
	cmd := exec.CommandContext(ctx, s.opts.Go, args...)
	cmd.Env = s.environ(w, ses)
	cmd.Dir = rootOf(w.dir) // with no go.mod file above it that would be the main module
	cmd.Stdout, cmd.Stderr = stdout, stderr
	cmd.WaitDelay = 5 * grace // for a process that holds the pipes open, and is in no group of ours
	ownGroup(cmd)
	err := cmd.Run()
	endGroup(cmd)
	return output{
		stdout: stdout.kept.Bytes(),
		stderr: stderr.kept.Bytes(),
		whole:  !stdout.cut,
		exited: cmd.ProcessState != nil && cmd.ProcessState.Exited() && !errors.Is(err, exec.ErrWaitDelay),
		err:    err,
	}
}

// rootOf returns the root of the file system.
func rootOf(dir string) string { return filepath.VolumeName(dir) + string(filepath.Separator) }

// bounded keeps the beginning of what is written to it, and takes the rest for
// nothing: a command that is not read from would stop.
type bounded struct {
	kept bytes.Buffer
	most int
	cut  bool
}

func (b *bounded) Write(p []byte) (int, error) {
	room := b.most - b.kept.Len()
	if len(p) > room {
		b.cut = true
	}
	b.kept.Write(p[:min(len(p), room)])
	return len(p), nil
}
