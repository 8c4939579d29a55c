package observability_test

import (
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"testing"

	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/examples/internal/fixture"
	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/fetch/prommetrics"
	prom "github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// keep starts a program that runs until the test ends, and then shows what it wrote
// if the test failed.
func keep(t *testing.T, cmd *exec.Cmd, output *fixture.Output) {
	t.Helper()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(os.Interrupt)
		err := cmd.Wait()
		if text := output.String(); t.Failed() {
			t.Logf("%s: %v, and wrote\n%s", filepath.Base(cmd.Path), err, text[max(0, len(text)-5000):])
		}
	})
}

// An office is examples/proxy in a process of its own.
type office struct {
	url   string
	cache string // the directory, as it can be reached from here
	disk  string // where its cache's small file system can be reached from here; "" if it has none
}

// buildProxy compiles examples/proxy with the settings of whoever runs the test.
func buildProxy(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "breakwater")
	if runtime.GOOS == "windows" {
		file += ".exe"
	}
	run(t, "go", "build", "-o", file, "../proxy")
	return file
}

// diskSize is that of the file system that the office's cache has for itself.
const diskSize = "128m"

// startOffice runs the program, its cache on a file system that can be filled, where
// an ordinary user may mount one: in a mount namespace of the process's own.
func startOffice(t *testing.T, program, goproxy, gosumdb string) *office {
	t.Helper()
	fixture.Settings(t, goproxy)
	t.Setenv("GOSUMDB", gosumdb)
	dir := t.TempDir()
	args := []string{program, "-listen", "127.0.0.1:0", "-cache", filepath.Join(dir, "modules")}
	unshare := []string{"unshare", "--user", "--map-root-user", "--mount", "sh", "-c",
		`mount -t tmpfs -o size=` + diskSize + ` none "$0" && exec "$@"`, dir}
	small := exec.Command(unshare[0], append(unshare[1:], "true")...).Run() == nil
	if small {
		args = append(unshare, args...)
	}
	output := fixture.NewOutput()
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stderr = output
	keep(t, cmd, output)
	o := &office{url: output.After(t, "breakwater: serving ")}
	if small {
		o.disk = filepath.Join("/proc", strconv.Itoa(cmd.Process.Pid), "root", dir)
		dir = o.disk
	}
	o.cache = filepath.Join(dir, "modules")
	return o
}

// An embedder is a service that serves modules among other things, and chose to
// hand out what cannot be verified at the moment.
type embedder struct {
	address string
	handler http.Handler
	server  *http.Server
	serving sync.WaitGroup
}

func startEmbedder(t *testing.T, goproxy, gosumdb string) *embedder {
	t.Helper()
	c, err := fetch.New(&fetch.Options{
		Go:            &fetch.GoSettings{GOPROXY: goproxy, GOSUMDB: gosumdb},
		WhenReachable: true,
		Store:         cache.NewMemory(nil),
		Logger:        slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	m := prommetrics.New(c, nil)
	t.Cleanup(m.Close)
	registry := prom.NewRegistry()
	registry.MustRegister(m)
	modules := fetch.NewHandler(c, &fetch.HandlerOptions{Access: m.Access, Logger: slog.New(slog.DiscardHandler)})
	e := &embedder{address: "127.0.0.1:0", handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/metrics" {
			promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).ServeHTTP(w, r)
			return
		}
		modules.ServeHTTP(w, r)
	})}
	e.start(t)
	t.Cleanup(e.stop)
	return e
}

// start listens, at the same address as before.
func (e *embedder) start(t *testing.T) {
	t.Helper()
	listener, err := net.Listen("tcp", e.address)
	if err != nil {
		t.Fatal(err)
	}
	e.address = listener.Addr().String()
	e.server = &http.Server{Handler: e.handler}
	e.serving.Go(func() { e.server.Serve(listener) })
}

// stop closes all connections; nobody can reach the service any more.
func (e *embedder) stop() {
	e.server.Close()
	e.serving.Wait()
}
