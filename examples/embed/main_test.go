package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/breakwater-go/breakwater/examples/internal/fixture"
)

// start runs the service on a free port until the test ends, and returns its URL.
func start(t *testing.T) (program *fixture.Program, url string) {
	t.Helper()
	program = fixture.Start(t, func(ctx context.Context, output io.Writer) error { return run(ctx, "localhost:0", output) })
	url, _, _ = strings.Cut(program.Output.After(t, "serving "), ",")
	return program, url
}

func TestGoCommandThroughThePrefix(t *testing.T) {
	source := fixture.NewSource(t)
	fixture.Settings(t, source.URL)
	_, url := start(t)
	goCommand := fixture.NewGoCommand(t, url+"/goproxy")
	if got, want := goCommand.Run(t, "list", "-m", "-versions", "example.com/hello"), "example.com/hello v1.0.0 v1.1.0\n"; got != want {
		t.Errorf("go list -m -versions: %q, want %q", got, want)
	}
	goCommand.Run(t, "get", "example.com/hello/greet")
	goCommand.Run(t, "mod", "download", "all")
	if got, want := goCommand.Extracted(t, "example.com/dep@v0.1.0", "dep.go"), "package dep\n\nconst Name = \"dep\"\n"; got != want {
		t.Errorf("dep.go is %q, want %q", got, want)
	}
	_, stderr, err := goCommand.Try(t, "mod", "download", "example.com/absent@v1.0.0")
	if err == nil || !strings.Contains(stderr, "404 Not Found") {
		t.Errorf("error %v, and the go command says\n%s", err, stderr)
	}
}

func TestOtherRoutes(t *testing.T) {
	fixture.Settings(t, "off")
	_, url := start(t)
	if resp, body := fixture.Get(t, http.DefaultClient, url+"/"); resp.StatusCode != http.StatusOK || !strings.Contains(body, "<h1>Our service</h1>") {
		t.Errorf("/: status %d, body %q", resp.StatusCode, body)
	}
	resp, body := fixture.Get(t, http.DefaultClient, url+"/api/time")
	var answer struct{ Time time.Time }
	if err := json.Unmarshal([]byte(body), &answer); err != nil || resp.StatusCode != http.StatusOK || answer.Time.IsZero() {
		t.Errorf("/api/time: status %d, %v, body %q", resp.StatusCode, err, body)
	}
	for _, path := range []string{"/example.com/hello/@v/list", "/goproxy/", "/goproxy/nonsense", "/goproxy/a/../../api/nothing"} {
		if resp, _ := fixture.Get(t, http.DefaultClient, url+path); resp.StatusCode != http.StatusNotFound {
			t.Errorf("%s: status %d, want 404", path, resp.StatusCode)
		}
	}
}

func TestShutdownFinishesADownload(t *testing.T) {
	source := fixture.NewSource(t)
	fixture.Settings(t, source.URL)
	arrived, release := source.Hold(t, fixture.LargeZip)
	program, url := start(t)
	done := make(chan string, 1)
	go func() {
		resp, err := http.Get(url + "/goproxy/" + fixture.LargeZip)
		if err != nil {
			done <- err.Error()
			return
		}
		defer resp.Body.Close()
		n, err := io.Copy(io.Discard, resp.Body)
		if err != nil || resp.StatusCode != http.StatusOK || n < fixture.LargeSize {
			done <- "not whole"
			return
		}
		done <- ""
	}()
	<-arrived
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		program.Stop()
	}()
	select {
	case <-ended:
		t.Fatal("ended before the download was finished")
	default:
	}
	release()
	if problem := <-done; problem != "" {
		t.Errorf("the download under way: %s", problem)
	}
	<-ended
}
