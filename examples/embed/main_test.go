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

// start runs the service on a free port until the test ends, and returns its
// URL, and a function that stops it as a signal does and waits for its end.
func start(t *testing.T) (url string, stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	output := fixture.NewOutput()
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, "localhost:0", output) }()
	stop = func() error {
		cancel()
		select {
		case err := <-ended:
			ended <- err
			return err
		case <-time.After(fixture.Patience):
			t.Fatal("the service does not end")
			return nil
		}
	}
	t.Cleanup(func() { stop() })
	url, _, _ = strings.Cut(output.After(t, "serving "), ",")
	return url, stop
}

func get(t *testing.T, url string) (*http.Response, string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), fixture.Patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

func TestGoCommandThroughThePrefix(t *testing.T) {
	source := fixture.NewSource(t)
	fixture.Settings(t, source.URL)
	url, _ := start(t)
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
	url, _ := start(t)
	if resp, body := get(t, url+"/"); resp.StatusCode != http.StatusOK || !strings.Contains(body, "<h1>Our service</h1>") {
		t.Errorf("/: status %d, body %q", resp.StatusCode, body)
	}
	resp, body := get(t, url+"/api/time")
	var answer struct{ Time time.Time }
	if err := json.Unmarshal([]byte(body), &answer); err != nil || resp.StatusCode != http.StatusOK || answer.Time.IsZero() {
		t.Errorf("/api/time: status %d, %v, body %q", resp.StatusCode, err, body)
	}
	for _, path := range []string{"/example.com/hello/@v/list", "/goproxy/", "/goproxy/nonsense", "/goproxy/a/../../api/nothing"} {
		if resp, _ := get(t, url+path); resp.StatusCode != http.StatusNotFound {
			t.Errorf("%s: status %d, want 404", path, resp.StatusCode)
		}
	}
}

func TestShutdownFinishesADownload(t *testing.T) {
	source := fixture.NewSource(t)
	fixture.Settings(t, source.URL)
	arrived, release := source.Hold(t, fixture.LargeZip)
	url, stop := start(t)
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
	ended := make(chan error, 1)
	go func() { ended <- stop() }()
	select {
	case err := <-ended:
		t.Fatalf("ended before the download was finished: %v", err)
	default:
	}
	release()
	if problem := <-done; problem != "" {
		t.Errorf("the download under way: %s", problem)
	}
	if err := <-ended; err != nil {
		t.Errorf("run: %v", err)
	}
}
