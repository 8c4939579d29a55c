package fetch_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/breakwater-go/breakwater/fetch"
)

// These tell a child process what to serve, and the parent how long to go on.
const (
	childDir   = "BREAKWATER_TEST_DIR"
	childProxy = "BREAKWATER_TEST_PROXY"
	childKey   = "BREAKWATER_TEST_KEY"
	soakFor    = "BREAKWATER_SOAK"
)

// TestServeShared is the child: a proxy on a cache that it shares, until its
// input ends.
func TestServeShared(t *testing.T) {
	dir := os.Getenv(childDir)
	if dir == "" {
		t.Skip("run by TestProcessesShareACache")
	}
	c := newClient(t, fetch.Options{CacheDir: dir, Go: &fetch.GoSettings{GOPROXY: os.Getenv(childProxy), GOSUMDB: os.Getenv(childKey)}})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: fetch.NewHandler(c, nil)}
	defer server.Close()
	go server.Serve(l)
	fmt.Println("SERVING http://" + l.Addr().String())
	io.Copy(io.Discard, os.Stdin)
}

// serveShared starts a child and returns its URL.
func serveShared(t *testing.T, dir, proxy, key string) string {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.Command(exe, "-test.run=^TestServeShared$")
	child.Env = append(os.Environ(), childDir+"="+dir, childProxy+"="+proxy, childKey+"="+key)
	child.Stderr = os.Stderr
	in, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	t.Cleanup(func() {
		in.Close()
		rest, _ := io.ReadAll(lines)
		if err := child.Wait(); err != nil {
			t.Errorf("a child: %v\n%s", err, rest)
		}
	})
	line, err := lines.ReadString('\n')
	url, ok := strings.CutPrefix(strings.TrimSpace(line), "SERVING ")
	if !ok {
		t.Fatalf("a child says %q: %v", line, err)
	}
	return url
}

// Two processes share a cache; clients read from both at random, and the go
// command downloads through them and from the directory itself. No byte is wrong,
// and each file, look-up and tile is fetched once.
func TestProcessesShareACache(t *testing.T) {
	soak, err := time.ParseDuration(os.Getenv(soakFor))
	if err != nil {
		soak = 3 * time.Second
	}
	o := chaosOrigin(t, "public.example", 34)
	m := newMirror("mirror", o, 1)
	m.setLatency(5 * time.Millisecond)
	dir := t.TempDir()
	proxy := serve(t, m)
	urls := []string{serveShared(t, dir, proxy, o.VerifierKey), serveShared(t, dir, proxy, o.VerifierKey)}

	ctx, stop := context.WithTimeout(t.Context(), soak)
	defer stop()
	var reads, downloads atomic.Int64
	var load sync.WaitGroup
	keys := o.Keys()
	for range 6 {
		load.Go(func() {
			for ctx.Err() == nil {
				key := keys[rand.IntN(len(keys))]
				status, _, body := get(t, urls[rand.IntN(2)]+"/"+key)
				if status != 200 || body != string(o.File(key)) {
					t.Errorf("%s: status %d, %d bytes", key, status, len(body))
				}
				reads.Add(1)
			}
		})
	}
	for _, goproxy := range []string{urls[0] + "," + urls[1], urls[1], urls[0] + ",file://" + filepath.ToSlash(dir)} {
		load.Go(func() {
			for ctx.Err() == nil || downloads.Load() < 3 {
				goDownload(t, goproxy, o.VerifierKey)
				downloads.Add(1)
			}
		})
	}
	load.Wait()
	times := map[string]int{}
	for _, path := range m.paths() {
		if strings.Contains(path, "/@v/v") || strings.Contains(path, "/lookup/") || strings.Contains(path, "/tile/") {
			times[path]++
		}
	}
	for path, n := range times {
		if n != 1 {
			t.Errorf("%s was fetched %d times", path, n)
		}
	}
	t.Logf("%v: %d reads and %d downloads of the go command, %d files fetched once", soak, reads.Load(), downloads.Load(), len(times))
}

// goDownload has the go command download some modules into a cache of its own.
func goDownload(t *testing.T, goproxy, key string) {
	dir, err := os.MkdirTemp(t.TempDir(), "")
	if err != nil {
		t.Error(err)
		return
	}
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module work.example/w\n\ngo 1.26\n"), 0o666); err != nil {
		t.Error(err)
		return
	}
	args := []string{"mod", "download"}
	for _, i := range rand.Perm(34)[:5] {
		args = append(args, fmt.Sprintf("public.example/m%02d@v1.%d.0", i, i))
	}
	cmd := exec.Command("go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOPROXY="+goproxy, "GOSUMDB="+key, "GOPATH="+dir, "GOMODCACHE="+filepath.Join(dir, "mod"),
		"GOFLAGS=-modcacherw", "GOTOOLCHAIN=local", "GOWORK=off", "GONOPROXY=", "GONOSUMDB=", "GOPRIVATE=")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("GOPROXY=%s go %v: %v\n%s", goproxy, args, err, out)
	}
}
