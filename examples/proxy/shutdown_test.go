package main

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/examples/internal/fixture"
	"github.com/breakwater-go/breakwater/fetch/guard"
)

type outcome struct {
	status int
	size   int64
	err    error
}

// download gets a URL in the background.
func download(ctx context.Context, url string) <-chan outcome {
	done := make(chan outcome, 1)
	go func() {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			done <- outcome{err: err}
			return
		}
		// A connection of its own, which no other test's can be mistaken for.
		resp, err := (&http.Client{Transport: &http.Transport{}}).Do(req)
		if err != nil {
			done <- outcome{err: err}
			return
		}
		defer resp.Body.Close()
		n, err := io.Copy(io.Discard, resp.Body)
		done <- outcome{resp.StatusCode, n, err}
	}()
	return done
}

func TestShutdownFinishesADownload(t *testing.T) {
	source := fixture.NewSource(t)
	fixture.Settings(t, source.URL)
	arrived, release := source.Hold(t, fixture.LargeZip)
	p := start(t)
	done := download(t.Context(), p.url+"/"+fixture.LargeZip)
	<-arrived

	p.stop()
	p.output.After(t, "breakwater: finishing what is under way")
	waitUntilRefused(t, p.url)
	select {
	case code := <-p.exited:
		t.Fatalf("exit code %d before the download was finished", code)
	default:
	}
	release()

	got := <-done
	if got.err != nil || got.status != http.StatusOK || got.size < fixture.LargeSize {
		t.Errorf("the download under way: %+v", got)
	}
	if code := p.exit(t); code != 0 {
		t.Errorf("exit code %d\n%s", code, p.output)
	}
}

// waitUntilRefused waits until no connection can be made.
func waitUntilRefused(t *testing.T, url string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), fixture.Patience)
	defer cancel()
	for ctx.Err() == nil {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", strings.TrimPrefix(url, "http://"))
		if errors.Is(err, syscall.ECONNREFUSED) {
			return
		}
		if err == nil {
			conn.Close()
		}
		runtime.Gosched()
	}
	t.Fatal("connections are still accepted")
}

func TestShutdownIsBounded(t *testing.T) {
	arrived, forever := make(chan struct{}), make(chan struct{})
	defer close(forever)
	server := &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		close(arrived)
		<-forever
	})}
	listener, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- serve(ctx, server, listener, time.Millisecond, voice{w: io.Discard}) }()
	done := download(t.Context(), "http://"+listener.Addr().String())
	<-arrived
	cancel()
	if err := <-ended; !errors.Is(err, guard.ErrCutOff) {
		t.Errorf("serve: %v, want ErrCutOff", err)
	}
	if got := <-done; got.err == nil {
		t.Errorf("the request under way: %+v, want an error", got)
	}
}

// Who has stopped serving for another reason does not say later that it waits for requests.
func TestEndByItself(t *testing.T) {
	listener, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	synctest.Test(t, func(t *testing.T) {
		var said strings.Builder
		ctx, cancel := context.WithCancel(t.Context())
		if err := serve(ctx, &http.Server{}, listener, time.Second, voice{w: &said}); !errors.Is(err, net.ErrClosed) {
			t.Errorf("serve: %v, want ErrClosed", err)
		}
		cancel()
		synctest.Wait()
		if said.Len() > 0 {
			t.Errorf("it said %q", said.String())
		}
	})
}

// child starts the program in a process of its own.
func child(t *testing.T) (cmd *exec.Cmd, output *fixture.Output) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("no SIGTERM on Windows")
	}
	output = fixture.NewOutput()
	cmd = exec.CommandContext(t.Context(), os.Args[0], "-listen", "localhost:0", "-cache", t.TempDir())
	cmd.Env = append(os.Environ(), asProgram+"=1")
	cmd.Stderr = output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, output
}

func TestSignalEndsTheProgram(t *testing.T) {
	for _, sig := range []os.Signal{syscall.SIGTERM, os.Interrupt} {
		t.Run(sig.String(), func(t *testing.T) {
			fixture.Settings(t, fixture.NewSource(t).URL)
			cmd, output := child(t)
			url := output.After(t, "breakwater: serving ")
			fixture.NewGoCommand(t, url).Run(t, "mod", "download", "example.com/dep@v0.1.0")
			if err := cmd.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			if err := cmd.Wait(); err != nil {
				t.Errorf("%v\n%s", err, output)
			}
		})
	}
}

func TestSecondSignalEndsAtOnce(t *testing.T) {
	source := fixture.NewSource(t)
	fixture.Settings(t, source.URL)
	arrived, _ := source.Hold(t, fixture.LargeZip)
	cmd, output := child(t)
	done := download(t.Context(), output.After(t, "breakwater: serving ")+"/"+fixture.LargeZip)
	<-arrived
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	output.After(t, "breakwater: finishing what is under way")
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	// The line may be out a moment before the signal has its usual effect again.
	err := signalUntil(t, cmd.Process, ended)
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.Success() {
		t.Errorf("Wait: %v, want an exit by the signal", err)
	}
	if got := <-done; got.err == nil {
		t.Errorf("the request under way: %+v, want an error", got)
	}
}

func signalUntil(t *testing.T, process *os.Process, ended <-chan error) error {
	t.Helper()
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	late := time.After(fixture.Patience)
	for {
		process.Signal(syscall.SIGTERM)
		select {
		case err := <-ended:
			return err
		case <-again.C:
		case <-late:
			t.Fatal("the program does not end")
		}
	}
}
