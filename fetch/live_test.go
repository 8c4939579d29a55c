package fetch_test

import (
	"bytes"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/breakwater-go/breakwater/fetch"
)

// liveModules are real modules, small and large.
var liveModules = []string{
	"golang.org/x/mod@v0.20.0",
	"golang.org/x/tools@v0.24.0",
	"golang.org/x/text@v0.17.0",
	"google.golang.org/protobuf@v1.34.2",
	"k8s.io/api@v0.30.3",
}

// TestLive sends the real go command through Breakwater to the user's own
// GOPROXY, with the public checksum database on. It runs only when asked for,
// because it leaves the machine.
func TestLive(t *testing.T) {
	if os.Getenv("BREAKWATER_LIVE") != "1" {
		t.Skip("set BREAKWATER_LIVE=1 to fetch real modules through your GOPROXY")
	}
	settings, err := fetch.ReadGoSettings(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := liveDownload(t, settings.GOPROXY)

	opts := fetch.Options{Go: &settings, CacheDir: t.TempDir()}
	var handler http.Handler = fetch.NewHandler(newClient(t, opts), nil)
	url := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	if got := liveDownload(t, url); !bytes.Equal(got, want) {
		t.Errorf("go.sum through Breakwater:\n%s\nwithout:\n%s", got, want)
	}

	// The second time, nothing can be reached.
	opts.Go = &fetch.GoSettings{GOPROXY: "http://127.0.0.1:1"}
	handler = fetch.NewHandler(newClient(t, opts), nil)
	if got := liveDownload(t, url); !bytes.Equal(got, want) {
		t.Errorf("go.sum with the source gone:\n%s\nwant:\n%s", got, want)
	}

	// And the directory is a GOPROXY by itself.
	if got := liveDownload(t, "file://"+filepath.ToSlash(opts.CacheDir)); !bytes.Equal(got, want) {
		t.Errorf("go.sum from the directory:\n%s\nwant:\n%s", got, want)
	}
}

// liveDownload downloads the modules with an empty module cache and returns the
// go.sum that the go command wrote.
func liveDownload(t *testing.T, goproxy string) []byte {
	t.Helper()
	dir, gopath := t.TempDir(), t.TempDir()
	env := append(os.Environ(), "GOPROXY="+goproxy, "GOPATH="+gopath, "GOMODCACHE="+filepath.Join(gopath, "mod"),
		"GOFLAGS=-modcacherw", "GOTOOLCHAIN=local", "GOWORK=off", "GONOPROXY=", "GONOSUMDB=", "GOPRIVATE=")
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module live\n\ngo 1.21\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		append([]string{"get"}, liveModules...),
		append([]string{"mod", "download", "-json"}, liveModules...),
	} {
		cmd := exec.CommandContext(t.Context(), "go", args...)
		cmd.Dir, cmd.Env = dir, env
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("GOPROXY=%s go %v: %v\n%s", goproxy, args[:2], err, out)
		}
	}
	sum, err := os.ReadFile(filepath.Join(dir, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	return sum
}
