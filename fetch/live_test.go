package fetch_test

import (
	"bytes"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/verify"
)

// liveModules are real modules, small and large.
var liveModules = []string{
	"golang.org/x/mod@v0.20.0",
	"golang.org/x/tools@v0.24.0",
	"golang.org/x/text@v0.17.0",
	"google.golang.org/protobuf@v1.34.2",
	"k8s.io/api@v0.30.3",
}

// moreLiveModules are downloaded and verified besides.
var moreLiveModules = []string{
	"github.com/bboreham/go-loser@v0.0.0-20230920113527-fcc2c21820a3",
	"github.com/coreos/go-semver@v0.3.0",
	"github.com/digitalocean/godo@v1.118.0",
	"github.com/envoyproxy/protoc-gen-validate@v1.0.4",
	"github.com/go-logr/logr@v1.4.2",
	"github.com/go-openapi/spec@v0.20.14",
	"github.com/gogo/protobuf@v1.3.2",
	"github.com/google/go-cmp@v0.7.0",
	"github.com/grafana/gomemcache@v0.0.0-20240229205252-cd6a66d6fb56",
	"github.com/hashicorp/go-multierror@v1.1.1",
	"github.com/hashicorp/golang-lru@v0.6.0",
	"github.com/imdario/mergo@v0.3.16",
	"github.com/julienschmidt/httprouter@v1.3.0",
	"github.com/mattn/go-colorable@v0.1.13",
	"github.com/modern-go/concurrent@v0.0.0-20180306012644-bacd9c7ef1dd",
	"github.com/opencontainers/go-digest@v1.0.0",
	"github.com/pkg/browser@v0.0.0-20240102092130-5ac0b6a4141c",
	"github.com/prometheus/exporter-toolkit@v0.11.0",
	"github.com/sercand/kuberesolver/v5@v5.1.1",
	"github.com/spf13/pflag@v1.0.5",
	"github.com/vultr/govultr/v2@v2.17.2",
	"go.etcd.io/etcd/client/v3@v3.5.4",
	"go.uber.org/goleak@v1.3.0",
	"golang.org/x/term@v0.22.0",
	"gopkg.in/check.v1@v1.0.0-20201130134442-10cb98267c6c",
	"k8s.io/klog@v1.0.0",
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

	// The second time, nothing can be reached, the checksum database included.
	opts.Go = &fetch.GoSettings{GOPROXY: "http://127.0.0.1:1", GOSUMDB: settings.GOSUMDB}
	offline := newClient(t, opts)
	wantVerified(t, offline)
	handler = fetch.NewHandler(offline, nil)
	if got := liveDownload(t, url); !bytes.Equal(got, want) {
		t.Errorf("go.sum with the source gone:\n%s\nwant:\n%s", got, want)
	}

	// And the directory is a GOPROXY by itself.
	if got := liveDownload(t, "file://"+filepath.ToSlash(opts.CacheDir)); !bytes.Equal(got, want) {
		t.Errorf("go.sum from the directory:\n%s\nwant:\n%s", got, want)
	}
}

// wantVerified checks that the checksum database has vouched for all modules.
func wantVerified(t *testing.T, c *fetch.Client) {
	t.Helper()
	for _, m := range append(slices.Clone(liveModules), moreLiveModules...) {
		path, version, _ := strings.Cut(m, "@")
		for _, k := range []upstream.Kind{upstream.Mod, upstream.Zip} {
			resp, err := c.Fetch(t.Context(), request(t, k, path, version))
			if err != nil {
				t.Error(err)
				continue
			}
			resp.Body.Close()
			if resp.Verified != verify.ByDatabase {
				t.Errorf("%s (%v) is verified by %q", m, k, resp.Verified)
			}
		}
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
		append(append([]string{"mod", "download", "-json"}, liveModules...), moreLiveModules...),
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
