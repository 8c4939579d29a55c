package gocmd_test

import (
	"archive/zip"
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/breakwater-go/breakwater/breaker"
	"github.com/breakwater-go/breakwater/cache"
	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream/gocmd"
	"github.com/google/go-cmp/cmp"
)

// handler serves the world by the module proxy protocol, as programs do that
// embed Breakwater: it returns the URL.
func (w *world) handler(t *testing.T, settings fetch.GoSettings, change func(*gocmd.Options)) string {
	t.Helper()
	direct := w.options(t.TempDir())
	if change != nil {
		change(direct)
	}
	settings.GOSUMDB = "off"
	client, err := fetch.New(&fetch.Options{
		Go: &settings, Direct: direct, Store: cache.NewMemory(nil),
		Retry: &breaker.RetryOptions{Tries: 1}, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(fetch.NewHandler(client, nil))
	t.Cleanup(func() {
		server.Close()
		if err := client.Close(); err != nil {
			t.Error(err)
		}
	})
	return server.URL
}

// through is the go command that has nothing but the proxy at url.
func (w *world) through(t *testing.T, url string) *oracle {
	return w.oracle(t, "GOPROXY="+url, "HTTPS_PROXY=", "GOVCS=*:off")
}

// TestHandlerEqualsDirect: whatever the go command does through a handler comes
// to what it comes to without.
func TestHandlerEqualsDirect(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.populate(t)
	commit := head(t, filepath.Join(w.repos, "lib"), "feature-x")
	direct := w.oracle(t)
	through := w.through(t, w.handler(t, fetch.GoSettings{GOPROXY: "direct"}, nil))
	for _, o := range []*oracle{direct, through} {
		write(t, filepath.Join(o.dir, "work", "work.go"), `package work

import (
	_ "git.corp.example/mono.git"
	_ "git.corp.example/mono.git/next"
	_ "git.corp.example/mono.git/tools"
	_ "go.corp.example/lib"
	_ "go.corp.example/old"
	_ "go.corp.example/secret"
	_ "go.corp.example/tagless"
	_ "go.corp.example/two"
	_ "go.corp.example/two/v2"
)
`)
	}
	for _, args := range []string{
		"list -m -versions go.corp.example/lib go.corp.example/secret git.corp.example/mono.git/tools go.corp.example/two/v2",
		"list -m -versions -retracted go.corp.example/lib",
		"list -m -u go.corp.example/lib@v1.0.0",
		"list -m go.corp.example/lib@latest go.corp.example/tagless@latest git.corp.example/mono.git@latest",
		"list -m go.corp.example/lib@feature-x",
		"list -m go.corp.example/lib@" + commit,
		"list -m go.corp.example/lib@" + commit[:12],
		"list -m go.corp.example/lib@<v1.2.0 go.corp.example/two/v2@v2.0",
		"list -m -retracted -f {{.Version}}:{{.Retracted}} go.corp.example/lib@v1.1.0",
		"mod download go.corp.example/secret@v1.0.0 go.corp.example/lib@v1.1.0",
		"get go.corp.example/lib git.corp.example/mono.git@v0.1.0 git.corp.example/mono.git/tools@latest " +
			"git.corp.example/mono.git/next@main go.corp.example/two go.corp.example/two/v2@v2 go.corp.example/old@v2.0.0 " +
			"go.corp.example/tagless@main go.corp.example/secret",
		"list -m all",
		"get go.corp.example/lib@v1.1.0", // which is retracted
		"list -m -u -retracted -f {{.Path}}:{{.Version}}:{{.Retracted}}:{{.Update}} all",
		"get go.corp.example/lib@" + commit,
		"mod tidy",
		"mod download",
		"mod verify",
		"build ./...",
	} {
		fields := strings.Fields(args)
		if diff := cmp.Diff(direct.run(t, fields...), through.run(t, fields...)); diff != "" {
			t.Errorf("go %s (-direct +through the handler):\n%s", args, diff)
		}
	}
	for _, file := range []string{"go.mod", "go.sum"} {
		if diff := cmp.Diff(read(t, filepath.Join(direct.dir, "work", file)), read(t, filepath.Join(through.dir, "work", file))); diff != "" {
			t.Errorf("%s (-direct +through the handler):\n%s", file, diff)
		}
	}
}

// head returns the commit of a branch.
func head(t *testing.T, repo, branch string) string {
	t.Helper()
	out, err := exec.Command("git", "-c", "safe.directory=*", "-C", repo, "rev-parse", branch).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// A hub is a public proxy with one module, which notes what it is asked for.
type hub struct {
	mu    sync.Mutex
	asked []string
}

const hubModule = "hub.example/open"

func (h *hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	h.asked = append(h.asked, r.URL.Path)
	h.mu.Unlock()
	const goMod = "module " + hubModule + "\n\ngo 1.20\n"
	switch strings.TrimPrefix(r.URL.Path, "/"+hubModule+"/@v/") {
	case "list":
		io.WriteString(w, "v1.0.0\n")
	case "v1.0.0.info":
		io.WriteString(w, `{"Version":"v1.0.0","Time":"2024-05-01T00:00:00Z"}`)
	case "v1.0.0.mod":
		io.WriteString(w, goMod)
	case "v1.0.0.zip":
		w.Write(zipOf(hubModule+"@v1.0.0/", map[string]string{"go.mod": goMod, "open.go": "package open\n"}))
	default:
		http.NotFound(w, r)
	}
}

func zipOf(prefix string, files map[string]string) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, content := range files {
		file, err := z.Create(prefix + name)
		if err == nil {
			_, err = io.WriteString(file, content)
		}
		if err != nil {
			panic(err) // a buffer takes everything
		}
	}
	z.Close()
	return b.Bytes()
}

// requests returns what was asked for since the last call.
func (h *hub) requests() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	asked := h.asked
	h.asked = nil
	return asked
}

// TestPrivateModulesStayPrivate: what GONOPROXY matches comes from git, and the
// public proxy never learns of it, also not when git cannot be reached.
func TestPrivateModulesStayPrivate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.populate(t)
	public := new(hub)
	proxy := httptest.NewServer(public)
	t.Cleanup(proxy.Close)
	var down atomic.Bool
	settings := fetch.GoSettings{
		GOPROXY: proxy.URL + ",direct", GONOPROXY: "*.corp.example",
		GOPRIVATE: "*.corp.example", GOVCS: "public:git|hg,private:all", // as the go command does by default
	}
	url := w.handler(t, settings, func(o *gocmd.Options) {
		o.Private = "" // it is what GOPRIVATE and GONOPROXY match
		o.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			if down.Load() {
				return nil, &net.OpError{Op: "dial", Net: network, Err: syscall.ECONNREFUSED}
			}
			return w.dial(ctx, network, address)
		}
	})
	o := w.through(t, url)
	write(t, filepath.Join(o.dir, "work", "work.go"), "package work\n\nimport _ \"go.corp.example/secret\"\nimport _ \"hub.example/open\"\n")
	o.run(t, "get", "go.corp.example/secret@latest", "hub.example/open@latest")
	o.run(t, "list", "-m", "-versions", "go.corp.example/two", "go.corp.example/two/v2")
	o.run(t, "build", "./...")
	wantNothingPrivate(t, public.requests())

	down.Store(true)
	complaint := o.fail(t, "get", "go.corp.example/lib@v1.0.0")
	for _, want := range []string{"502 Bad Gateway", "direct: unavailable", "connection refused"} {
		if !strings.Contains(complaint, want) {
			t.Errorf("the go command says %q, want it to say %q", complaint, want)
		}
	}
	for _, file := range []string{"@v/list", "@latest", "@v/v1.0.0.zip"} {
		status, text := ask(t, url+"/go.corp.example/lib/"+file)
		if status != http.StatusBadGateway || !strings.Contains(text, "connection refused") {
			t.Errorf("%s: status %d, %q, want 502 and that the connection was refused", file, status, text)
		}
	}
	if asked := public.requests(); len(asked) > 0 {
		t.Errorf("the public proxy was asked for %q", asked)
	}
}

func wantNothingPrivate(t *testing.T, asked []string) {
	t.Helper()
	if len(asked) == 0 {
		t.Error("the public proxy was not asked for its own module")
	}
	for _, path := range asked {
		if !strings.HasPrefix(path, "/hub.example/") && path != "/hub.example/@v/list" {
			t.Errorf("the public proxy was asked for %s", path)
		}
	}
}

// fail returns the complaints of a go command that should fail.
func (o *oracle) fail(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.Command("go", args...)
	cmd.Dir, cmd.Env = filepath.Join(o.dir, "work"), o.env
	out, err := cmd.CombinedOutput()
	if err == nil {
		t.Errorf("go %v succeeds", args)
	}
	return string(out)
}

func ask(t *testing.T, url string) (status int, text string) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(data)
}

// TestHostThatIsDown: it is left alone after some failures, and the other hosts
// are not.
func TestHostThatIsDown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.populate(t)
	url := w.handler(t, fetch.GoSettings{GOPROXY: "direct"}, nil)
	status := 0
	for tries := 0; status != http.StatusServiceUnavailable; tries++ {
		var text string
		status, text = ask(t, url+"/servfail.corp.example/x/@v/list")
		if status != http.StatusBadGateway && status != http.StatusServiceUnavailable || tries > 20 {
			t.Fatalf("status %d after %d tries: %s", status, tries, text)
		}
	}
	if status, text := ask(t, url+"/git.corp.example/mono.git/@v/list"); status != http.StatusOK || text != "v0.1.0\n" {
		t.Errorf("of another host: status %d, %q", status, text)
	}
}

// The name of a private host is unknown while a VPN is off, which is no absence: after
// that the go command would go on to the next source.
func TestPrivateHostThatIsNotKnown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	url := w.handler(t, fetch.GoSettings{GOPROXY: "direct"}, func(o *gocmd.Options) { o.Private = "gone.corp.example/private" })
	for path, want := range map[string]int{"gone.corp.example/x": 404, "gone.corp.example/private": 502} {
		if status, body := ask(t, url+"/"+path+"/@v/list"); status != want {
			t.Errorf("%s: status %d, want %d: %s", path, status, want, body)
		}
	}
}

// TestHostileRequests: what a stranger's module paths and go-import pages get
// from a handler, and that nothing is connected to but the host of such a page.
func TestHostileRequests(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := newVictim(t)
	mark := filepath.Join(t.TempDir(), "mark")
	var mu sync.Mutex
	var dials []string
	dialled := func() []string { // since the last call
		mu.Lock()
		defer mu.Unlock()
		all := dials
		dials = nil
		return all
	}
	url := w.handler(t, fetch.GoSettings{GOPROXY: "direct"}, func(o *gocmd.Options) {
		o.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			mu.Lock()
			dials = append(dials, address)
			mu.Unlock()
			return w.dial(ctx, network, address)
		}
	})
	tests := []struct {
		path   string // of the module
		tag    string // of its page; empty: there is no page, and nobody is connected to
		status int
		reason string
	}{
		{"127.0.0.1/x", "", 403, "loopback address"},
		{"10.0.0.1/x", "", 403, "IP address"},
		{"169.254.169.254/latest/meta-data", "", 403, "IP address"},
		{"127.1/x", "", 403, "IP address"},
		{"0x7f.0x1/x", "", 403, "IP address"},
		{"www.localhost/x", "", 403, "this machine"},
		{"internal.corp.example/x", "", 403, "10.0.0.1 is not on the public internet"},
		{"gone.corp.example/x", "", 404, "host does not exist"},
		{"servfail.corp.example/x", "", 502, "misbehaving"},
		{"localhost/x", "", 404, ""},
		{"[::1]/x", "", 404, ""},
		{"git.corp.example:22/x", "", 404, ""},
		{"git.corp.example/%2e%2e/x", "", 404, ""},
		{"-x.corp.example/x", "", 404, ""},
		{"git.corp.example/x.hg", "", 403, "only git"},
		{"git.corp.example/x.svn/y", "", 403, "only git"},
		{"evil.corp.example/http", "git http://git.corp.example/lib", 403, "only https"},
		{"evil.corp.example/ssh", "git ssh://git@git.corp.example/lib", 403, "Options.SSHHosts"},
		{"evil.corp.example/file", "git file://" + w.repos, 403, "URL with a host"},
		{"evil.corp.example/ext", "git ext::touch%20" + mark, 403, "URL with a host"},
		{"evil.corp.example/option", "git --upload-pack=touch${IFS}" + mark, 403, "URL with a host"},
		{"evil.corp.example/loopback", "git https://127.0.0.1:" + v.port + "/lib", 403, "IP address"},
		{"evil.corp.example/localhost", "git https://localhost:" + v.port + "/lib", 403, "single label"},
		{"evil.corp.example/metadata", "git https://169.254.169.254/latest", 403, "IP address"},
		{"evil.corp.example/internal", "git https://internal.corp.example/lib", 403, "10.0.0.1"},
		{"evil.corp.example/port", "git https://git.corp.example:22/lib", 403, "port"},
		{"evil.corp.example/hg", "hg https://git.corp.example/lib", 403, "only git"},
		{"evil.corp.example/proxy", "mod https://localhost:" + v.port, 403, "single label"},
		{"evil.corp.example/password", "mod https://me:hunter2@git.corp.example/", 403, "nothing but a host and a path"},
		{"evil.corp.example/nothing", "git", 404, "no go-import tag"},
	}
	for _, test := range tests {
		t.Run(test.path, func(t *testing.T) {
			dialled()
			w.requests()
			if test.tag != "" {
				w.page(test.path, test.path+" "+test.tag)
			}
			status, text := ask(t, url+"/"+test.path+"/@v/v1.0.0.mod")
			if status != test.status || !strings.Contains(text, test.reason) || strings.Contains(text, "hunter2") {
				t.Errorf("status %d, %q, want %d and %q", status, text, test.status, test.reason)
			}
			for _, address := range dialled() {
				if test.tag == "" || address != addresses[""]+":443" {
					t.Errorf("a connection to %s was made", address)
				}
			}
			for _, asked := range w.requests() {
				if asked != "GET "+test.path+"?go-get=1" {
					t.Errorf("somebody was asked: %s", asked)
				}
			}
		})
	}
	if _, err := os.Stat(mark); err == nil {
		t.Error("a command in a URL was run")
	}
}
