package gocmd_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/upstream/gocmd"
)

// shared holds the repositories of populate, which take a while to make and are
// only read.
var shared struct {
	once sync.Once
	dir  string
}

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashVariable); dir != "" {
		crash(dir)
	}
	dir, err := os.MkdirTemp("", "gocmd-test-")
	if err != nil {
		panic(err)
	}
	shared.dir = dir
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// populate makes the repositories and go-import pages that most tests read from.
func (w *world) populate(t *testing.T) {
	t.Helper()
	w.repos = shared.dir
	shared.once.Do(func() { w.repositories(t) })
	for path, repo := range map[string]string{
		"lib": "lib", "two": "two", "two/v2": "two", "old": "old", "tagless": "tagless", "secret": "private/secret",
	} {
		root, _, _ := strings.Cut(path, "/")
		w.page(goHost+"/"+path, goHost+"/"+root+" git https://"+gitHost+"/"+repo)
	}
}

func (w *world) repositories(t *testing.T) {
	mod := func(path, rest string) string { return "module " + path + "\n\ngo 1.20\n" + rest }
	file := func(name, content string) map[string]string { return map[string]string{name: content} }
	w.repo(t, "lib",
		commit{files: map[string]string{"go.mod": mod("go.corp.example/lib", ""), "lib.go": "package lib\n"}, tags: []string{"v1.0.0"}},
		commit{files: file("lib.go", "package lib // bad\n"), tags: []string{"v1.1.0", "v1.3"}},
		commit{files: file("go.mod", mod("go.corp.example/lib", "\nretract v1.1.0 // bad\n")), tags: []string{"v1.2.0", "v1.3.0-rc.1"}},
		commit{files: file("more.go", "package lib\n"), on: "feature-x"},
		commit{files: file("new.go", "package lib\n")},
	)
	w.repo(t, "mono",
		commit{files: map[string]string{
			"go.mod": mod("git.corp.example/mono.git", ""), "mono.go": "package mono\n",
			"tools/go.mod": mod("git.corp.example/mono.git/tools", ""), "tools/tools.go": "package tools\n", "LICENSE": "none\n",
		}, tags: []string{"v0.1.0", "tools/v0.2.0"}},
		commit{files: map[string]string{"next/go.mod": mod("git.corp.example/mono.git/next", ""), "next/next.go": "package next\n"}},
	)
	w.repo(t, "two",
		commit{files: map[string]string{"go.mod": mod("go.corp.example/two", ""), "two.go": "package two\n"}, tags: []string{"v1.0.0"}},
		commit{files: file("go.mod", mod("go.corp.example/two/v2", "")), tags: []string{"v2.0.0", "v2.1.0"}},
	)
	w.repo(t, "old", commit{files: file("old.go", "package old\n"), tags: []string{"v1.0.0", "v2.0.0"}})
	w.repo(t, "tagless", commit{files: map[string]string{"go.mod": mod("go.corp.example/tagless", ""), "a.go": "package a\n"}})
	w.repo(t, "private/secret", commit{files: map[string]string{"go.mod": mod("go.corp.example/secret", ""), "a.go": "package a\n"}, tags: []string{"v1.0.0"}})
}

// An oracle is the go command with GOPROXY=direct, which reaches the world
// through a proxy that lets everything pass.
type oracle struct {
	dir string
	env []string
}

func (w *world) oracle(t *testing.T, env ...string) *oracle {
	t.Helper()
	proxy := httptest.NewServer(http.HandlerFunc(w.connect))
	t.Cleanup(proxy.Close)
	dir := t.TempDir()
	home := filepath.Join(dir, "home")
	write(t, filepath.Join(home, ".netrc"), "machine "+gitHost+" login me password secret\n")
	write(t, filepath.Join(home, ".config", "go", "telemetry", "mode"), "off")
	write(t, filepath.Join(dir, "work", "go.mod"), "module example.com/work\n\ngo 1.20\n")
	return &oracle{dir, append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + home, "TMPDIR=" + dir,
		"GOMODCACHE=" + filepath.Join(dir, "mod"), "GOCACHE=" + filepath.Join(dir, "cache"), "GOPATH=" + filepath.Join(dir, "path"),
		"GOFLAGS=-modcacherw", "GOENV=off", "GOTOOLCHAIN=local", "GOWORK=off", "GOPROXY=direct", "GOSUMDB=off", "GOVCS=*:git",
		"HTTPS_PROXY=" + proxy.URL, "SSL_CERT_FILE=" + w.ca, "GIT_SSL_CAINFO=" + w.ca,
		"GIT_CONFIG_GLOBAL=" + os.DevNull, "GIT_CONFIG_NOSYSTEM=1",
	}, env...)}
}

func (w *world) connect(rw http.ResponseWriter, r *http.Request) {
	there, err := net.Dial("tcp", w.server.Listener.Addr().String())
	if err != nil {
		http.Error(rw, err.Error(), http.StatusBadGateway)
		return
	}
	defer there.Close()
	here, buffered, err := http.NewResponseController(rw).Hijack()
	if err != nil {
		return
	}
	defer here.Close()
	io.WriteString(here, "HTTP/1.1 200 OK\r\n\r\n")
	var wg sync.WaitGroup
	wg.Go(func() { io.Copy(there, buffered); there.Close() })
	io.Copy(here, there)
	here.Close()
	wg.Wait()
}

// run returns what the go command prints.
func (o *oracle) run(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.Command("go", args...)
	cmd.Dir, cmd.Env = filepath.Join(o.dir, "work"), o.env
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go %v: %v\n%s", args, err, stderr.String())
	}
	return string(out)
}

// file returns a file of the go command's module cache.
func (o *oracle) file(t *testing.T, req upstream.Request) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(o.dir, "mod", "cache", "download", filepath.FromSlash(req.Key())))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// described is what the go command says of a module.
type described struct {
	Version  string
	Versions []string
}

func (o *oracle) describe(t *testing.T, args ...string) described {
	t.Helper()
	var d described
	if err := json.Unmarshal([]byte(o.run(t, append([]string{"list", "-m", "-json"}, args...)...)), &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// get fetches and reads all of the answer.
func get(t *testing.T, s *gocmd.Source, req upstream.Request) (string, error) {
	t.Helper()
	resp, err := s.Fetch(t.Context(), req)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	if _, err := io.Copy(&b, resp.Body); err != nil {
		t.Errorf("%v: %v", req, err)
	}
	if int64(b.Len()) != resp.Size {
		t.Errorf("%v: Size is %d, want %d", req, resp.Size, b.Len())
	}
	if err := resp.Body.Close(); err != nil {
		t.Errorf("%v: Close: %v", req, err)
	}
	return b.String(), nil
}

func mustGet(t *testing.T, s *gocmd.Source, req upstream.Request) string {
	t.Helper()
	body, err := get(t, s, req)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func drain(ctx context.Context, s *gocmd.Source, req upstream.Request) error {
	resp, err := s.Fetch(ctx, req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}
