package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/examples/internal/fixture"
)

// A stalled reader of the access log stops no request. The log tells when lines begin
// to be left out, and how many it was.
func TestAccessLogThatNobodyReads(t *testing.T) {
	fixture.Settings(t, "off")
	reader, stdout := io.Pipe()
	output := fixture.NewOutput()
	ctx, cancel := context.WithCancel(t.Context())
	exited := make(chan int, 1)
	go func() {
		exited <- run(ctx, []string{"-listen", "localhost:0", "-cache", t.TempDir(), "-offline", "-access-log", "json", "-log-level", "warn"}, stdout, output)
	}()
	url := output.After(t, "breakwater: serving ")
	// More lines than wait in a fetch.AccessLog and are being written, and each of 6 KiB: in JSON
	// a byte of the path is six.
	const requests = 2300
	path := "/example.com/" + strings.Repeat("%01", 1000) + "/@v/list"
	client := &http.Client{Timeout: fixture.Patience}
	for range requests {
		fixture.Get(t, client, url+path)
	}
	output.After(t, "time=") // the first line is left out
	var lines bytes.Buffer
	var reading sync.WaitGroup
	reading.Go(func() { io.Copy(&lines, reader) })
	cancel()
	if code := <-exited; code != 0 {
		t.Errorf("exit code %d", code)
	}
	stdout.Close()
	reading.Wait()
	wantJSONLines(t, lines.String())
	text := output.String()
	if n := strings.Count(lines.String(), "\n"); n == 0 || n >= requests {
		t.Errorf("%d lines of %d were written", n, requests)
	}
	if !strings.Contains(text, "nobody takes the lines") || !strings.Contains(text, "lines of the access log were left out") {
		t.Errorf("said\n%s", text)
	}
}

// A gate is a writer whose writes wait until it is opened.
type gate struct {
	open    chan struct{}
	content bytes.Buffer
	err     error
}

func (g *gate) Write(p []byte) (int, error) {
	<-g.open
	if g.err != nil {
		return 0, g.err
	}
	return g.content.Write(p)
}

func TestOverflow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var said strings.Builder
		g := &gate{open: make(chan struct{})}
		o := newOverflow(g, newLog(&said, "text", 0))
		line := []byte(strings.Repeat("a", 1023) + "\n")
		o.Write(line)
		synctest.Wait() // it is being written
		for range overflowBytes/len(line) + 7 {
			o.Write(line)
		}
		close(g.open)
		synctest.Wait()
		o.Write([]byte("last\n"))
		if err := o.close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got, want := g.content.Len(), overflowBytes+len(line)+len("last\n"); got != want || !strings.HasSuffix(g.content.String(), "a\nlast\n") {
			t.Errorf("%d bytes were written, want %d", got, want)
		}
		if text := said.String(); strings.Count(text, "\n") != 2 || !strings.Contains(text, "nobody takes") || !strings.Contains(text, "lines=7") {
			t.Errorf("said\n%s", text)
		}
	})
}

func TestOverflowThatCannotBeWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var said strings.Builder
		g := &gate{open: make(chan struct{}), err: errors.New("broken")}
		close(g.open)
		o := newOverflow(g, newLog(&said, "text", 0))
		for range 3 {
			o.Write([]byte("lost\n"))
			synctest.Wait()
		}
		g.err = nil
		o.Write([]byte("kept\n"))
		o.close(t.Context())
		if text := said.String(); g.content.String() != "kept\n" || strings.Count(text, "\n") != 2 || !strings.Contains(text, "broken") {
			t.Errorf("written %q, said\n%s", &g.content, text)
		}
	})
}

// The end does not wait for who does not read any more.
func TestOverflowAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{open: make(chan struct{})}
		o := newOverflow(g, newLog(io.Discard, "text", 0))
		o.Write([]byte("line\n"))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := o.close(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v", err)
		}
		close(g.open)
	})
}

// Who reads the logs may go, as "| head -1" does.
func TestReaderOfTheLogsGoes(t *testing.T) {
	fixture.Settings(t, "off")
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	output := fixture.NewOutput()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-listen", "localhost:0", "-cache", t.TempDir(), "-offline", "-access-log", "json", "-log-level", "error")
	cmd.Env = append(os.Environ(), asProgram+"=1")
	cmd.Stdout, cmd.Stderr = writer, output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()
	writer.Close()
	reader.Close()
	url := output.After(t, "breakwater: serving ")
	fixture.Get(t, http.DefaultClient, url+"/example.com/dep/@v/list")
	if got := output.After(t, "time="); !strings.Contains(got, "the access log cannot be written") {
		t.Errorf("said %s", got)
	}
	if resp, _ := fixture.Get(t, http.DefaultClient, url+"/healthz"); resp.StatusCode != http.StatusOK {
		t.Errorf("status %d", resp.StatusCode)
	}
}
