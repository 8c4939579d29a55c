package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/breakwater-go/breakwater/examples/internal/fixture"
)

// Ctrl-C in the middle of a download ends it with code 130. What was downloaded by
// then is not asked for again.
func TestInterruptAndGoOn(t *testing.T) {
	source := fixture.NewSource(t)
	arrived, release := source.Hold(t, fixture.LargeZip)
	env := append(newHome(t).env(), "GOPROXY="+source.URL, "GOSUMDB=off", "GOENV=off")
	modget := build(t)
	args := []string{"warm", "-jobs", "1", "example.com/hello@v1.1.0", "example.com/large@v1.0.0"}

	cmd := exec.CommandContext(t.Context(), modget, args...)
	cmd.Env = env
	stderr := fixture.NewOutput()
	cmd.Stderr = stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	<-arrived
	cmd.Process.Signal(os.Interrupt)
	cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != exitInterrupted {
		t.Errorf("it exited with %d\n%s", code, stderr)
	}
	if last := lastLine(stderr.String()); last != "modget: interrupted: what was downloaded stays, and the same command goes on from there" {
		t.Errorf("its last line is %q", last)
	}

	release()
	before := len(source.Asked())
	out := run(t, env, "", append([]string{modget}, args...)...)
	if !strings.Contains(out, "1 fetched") || !strings.Contains(out, "1 from the cache") {
		t.Errorf("the second run says\n%s", out)
	}
	for _, path := range source.Asked()[before:] {
		if strings.Contains(path, "example.com/hello/") {
			t.Errorf("%s was asked for again", path)
		}
	}
}

const exitInterrupted = 130

func lastLine(text string) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return lines[len(lines)-1]
}
