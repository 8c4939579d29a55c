package main

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/breakwater-go/breakwater/examples/internal/fixture"
)

// asProgram is set for the child processes in which this test binary is the
// program itself.
const asProgram = "BREAKWATER_TEST_PROXY"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
	}
	os.Exit(m.Run())
}

// instance is the program running in this process.
type instance struct {
	url    string
	output *fixture.Output // standard error
	stdout *fixture.Output
	stop   func() // what a signal does
	exited chan int
}

// start runs the program with a free port and a cache of its own, besides what
// args say, and waits until it is ready. It is stopped when the test ends.
func start(t *testing.T, args ...string) *instance {
	t.Helper()
	p := begin(t, args...)
	p.url = p.output.After(t, "breakwater: serving ")
	return p
}

// begin is start for a program that does not say in that way that it is ready.
func begin(t *testing.T, args ...string) *instance {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	p := &instance{output: fixture.NewOutput(), stdout: fixture.NewOutput(), stop: cancel, exited: make(chan int, 1)}
	args = append([]string{"-listen", "localhost:0", "-cache", t.TempDir()}, args...)
	go func() { p.exited <- run(ctx, args, p.stdout, p.output) }()
	t.Cleanup(func() {
		cancel()
		p.exit(t)
	})
	return p
}

// end stops the program and waits until it has written everything.
func (p *instance) end(t *testing.T) {
	t.Helper()
	p.stop()
	if code := p.exit(t); code != 0 {
		t.Errorf("exit code %d\n%s", code, p.output)
	}
}

// exit waits for the end of the program and returns its exit code.
func (p *instance) exit(t *testing.T) int {
	t.Helper()
	select {
	case code := <-p.exited:
		p.exited <- code // for the next who asks
		return code
	case <-time.After(fixture.Patience):
		t.Fatalf("the program does not end; it wrote\n%s", p.output)
		return -1
	}
}

// get returns the answer to a GET request, its body read.
func TestGoCommand(t *testing.T) {
	source := fixture.NewSource(t)
	fixture.Settings(t, source.URL)
	p := start(t)
	goCommand := fixture.NewGoCommand(t, p.url)

	if got, want := goCommand.Run(t, "list", "-m", "-versions", "example.com/hello"), "example.com/hello v1.0.0 v1.1.0\n"; got != want {
		t.Errorf("go list -m -versions: %q, want %q", got, want)
	}
	goCommand.Run(t, "get", "example.com/hello/greet@latest") // is looked for as a module of its own, too
	goCommand.Run(t, "mod", "download", "all")
	if got, want := goCommand.Extracted(t, "example.com/hello@v1.1.0", "greet/greet.go"), "package greet\n"; got != want {
		t.Errorf("greet.go is %q, want %q", got, want)
	}

	before := len(source.Asked())
	another := fixture.NewGoCommand(t, p.url)
	another.Run(t, "mod", "download", "example.com/hello@v1.1.0")
	if again := source.Asked()[before:]; len(again) > 0 {
		t.Errorf("the source was asked again for %v", again)
	}
}

func TestGoCommandSaysWhatIsMissing(t *testing.T) {
	fixture.Settings(t, fixture.NewSource(t).URL)
	p := start(t)
	_, stderr, err := fixture.NewGoCommand(t, p.url).Try(t, "mod", "download", "example.com/absent@v1.0.0")
	if err == nil || !strings.Contains(stderr, "404 Not Found") {
		t.Errorf("error %v, and the go command says\n%s", err, stderr)
	}
}

func TestOfflineServesTheCache(t *testing.T) {
	source := fixture.NewSource(t)
	fixture.Settings(t, source.URL)
	cache := t.TempDir()
	online := start(t, "-cache", cache)
	fixture.NewGoCommand(t, online.url).Run(t, "mod", "download", "example.com/hello@v1.1.0")
	online.end(t)
	source.Close()

	offline := start(t, "-cache", cache, "-offline")
	goCommand := fixture.NewGoCommand(t, offline.url)
	goCommand.Run(t, "mod", "download", "example.com/hello@v1.1.0")
	_, stderr, err := goCommand.Try(t, "mod", "download", "example.com/large@v1.0.0")
	if err == nil || !strings.Contains(stderr, "offline") {
		t.Errorf("what is not in the cache: error %v, and the go command says\n%s", err, stderr)
	}
}

func TestAnnouncement(t *testing.T) {
	fixture.Settings(t, "off")
	p := start(t)
	if !strings.HasPrefix(p.url, "http://localhost:") || strings.HasSuffix(p.url, ":0") {
		t.Errorf("serving %q", p.url)
	}
	if got := p.output.After(t, "export GOPROXY="); got != p.url {
		t.Errorf("GOPROXY=%q, serving %q", got, p.url)
	}
}
