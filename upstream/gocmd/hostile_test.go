package gocmd_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/upstream/gocmd"
)

// A victim listens on loopback, as services of the machine do that a hostile
// host would like to reach through us.
type victim struct {
	port    string
	visits  atomic.Int32
	serving sync.WaitGroup
}

func newVictim(t *testing.T) *victim {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	v := new(victim)
	_, v.port, _ = net.SplitHostPort(listener.Addr().String())
	v.serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			v.visits.Add(1)
			conn.Close()
		}
	})
	t.Cleanup(func() {
		listener.Close()
		v.serving.Wait()
		if n := v.visits.Load(); n > 0 {
			t.Errorf("a service on loopback was reached %d times", n)
		}
	})
	return v
}

// denied checks that a request is refused for a reason that says what.
func denied(t *testing.T, err error, reason string) {
	t.Helper()
	if upstream.ClassOf(err) != upstream.Denied {
		t.Errorf("the error is %v, want denied", err)
		return
	}
	if !strings.Contains(err.Error(), reason) {
		t.Errorf("the error is %v, want it to name %q", err, reason)
	}
}

func TestHostileModulePaths(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.source(t, nil)
	for _, path := range []string{
		"127.0.0.1/x", "10.0.0.1/x", "169.254.169.254/latest/meta-data", "127.1/x", "0x7f.0x1/x", "0177.0.0.1/x",
		"www.localhost/x", "internal.corp.example/x",
	} {
		t.Run(path, func(t *testing.T) {
			_, err := get(t, s, request(t, upstream.List, path, ""))
			host, _, _ := strings.Cut(path, "/")
			if host == "127.0.0.1" {
				host = "cannot begin with a loopback address"
			} else {
				host = fmt.Sprintf("add %q to gocmd.Options.Hosts", host)
			}
			denied(t, err, host)
		})
	}
	for _, path := range []string{"localhost/x", "intranet/x", "git.corp.example:8443/x", "[::1]/x", "-x.corp.example/x", "../x"} {
		if _, err := upstream.NewRequest(upstream.List, path, ""); err == nil {
			t.Errorf("%q is the path of a request", path)
		}
	}
}

// TestHostileTags: what a go-import page may not lead to, and what is said.
func TestHostileTags(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.repo(t, "lib", commit{files: map[string]string{"go.mod": "module evil.corp.example/lib\n"}, tags: []string{"v1.0.0"}})
	v := newVictim(t)
	s := w.source(t, nil)
	mark := filepath.Join(t.TempDir(), "mark")
	tests := []struct{ name, tag, reason string }{
		{"http", "git http://git.corp.example/lib", "only https"},
		{"ssh", "git ssh://git@git.corp.example/lib", `add "git.corp.example" to gocmd.Options.SSHHosts`},
		{"git+ssh", "git git+ssh://git@git.corp.example/lib", "Options.SSHHosts"},
		{"git", "git git://git.corp.example/lib", "only https"},
		{"scp form", "git git@git.corp.example:lib", "does not give a URL with a host"},
		{"file", "git file://" + filepath.Join(w.repos, "lib"), "does not give a URL with a host"},
		{"file with host", "git file://git.corp.example/lib", "only https"},
		{"path", "git " + filepath.Join(w.repos, "lib"), "does not give a URL with a host"},
		{"ext", "git ext::touch%20" + mark, "does not give a URL with a host"},
		{"ext URL", "git ext://touch/" + mark, "only https"},
		{"option", "git --upload-pack=touch${IFS}" + mark, "does not give a URL with a host"},
		{"loopback", "git https://127.0.0.1:" + v.port + "/lib", "IP address"},
		{"loopback, IPv6", "git https://[::1]:" + v.port + "/lib", "IP address"},
		{"loopback, short", "git https://127.1:" + v.port + "/lib", "IP address"},
		{"localhost", "git https://localhost:" + v.port + "/lib", "single label"},
		{"localhost.", "git https://localhost.:" + v.port + "/lib", "single label"},
		{"metadata service", "git https://169.254.169.254/latest", "IP address"},
		{"single label", "git https://intranet/lib", "single label"},
		{"private address", "git https://internal.corp.example/lib", "10.0.0.1 is not on the public internet"},
		{"port", "git https://git.corp.example:22/lib", "port"},
		{"hg", "hg https://git.corp.example/lib", "only git"},
		{"module proxy on loopback", "mod https://localhost:" + v.port, "single label"},
		{"module proxy in http", "mod http://git.corp.example/", "only https"},
		{"module proxy in a file", "mod file://git.corp.example/", "only https"},
		{"module proxy by ssh", "mod ssh://git.corp.example/", "only https"},
		{"module proxy with password", "mod https://me:secret@git.corp.example/", "nothing but a host and a path"},
		{"module proxy on a private network", "mod https://internal.corp.example/", "10.0.0.1"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w.page("evil.corp.example/lib", "evil.corp.example/lib "+test.tag)
			_, err := get(t, s, request(t, upstream.Mod, "evil.corp.example/lib", "v1.0.0"))
			denied(t, err, test.reason)
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("the error holds a password: %v", err)
			}
		})
	}
	if _, err := os.Stat(mark); err == nil {
		t.Error("a command in a URL was run")
	}
}

// TestHostileRedirects: where neither go-import pages, nor repositories, nor
// module proxies can lead.
func TestHostileRedirects(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := newVictim(t)
	s := w.source(t, nil)
	w.page("evil.corp.example/repo", "evil.corp.example/repo git https://evil.corp.example/r.git")
	w.page("evil.corp.example/mod", "evil.corp.example/mod mod https://evil.corp.example/base")
	sources := map[string]struct{ module, redirects string }{
		"page":         {"evil.corp.example/page", "evil.corp.example/page"},
		"repository":   {"evil.corp.example/repo", "evil.corp.example/r.git/info/refs"},
		"module proxy": {"evil.corp.example/mod", "evil.corp.example/base/evil.corp.example/mod/@v/v1.0.0.info"},
	}
	for name, source := range sources {
		for target, reason := range map[string]string{ // a git that is sent to http stops by itself
			"https://localhost:" + v.port + "/info/refs":     "localhost",
			"https://127.0.0.1:" + v.port + "/info/refs":     "127.0.0.1",
			"https://[::1]:" + v.port + "/info/refs":         "IP address",
			"http://git.corp.example/lib/info/refs":          "https",
			"https://internal.corp.example/lib/info/refs":    "10.0.0.1",
			"https://169.254.169.254/latest/info/refs":       "IP address",
			"https://git.corp.example:2222/lib/info/refs?a=": "port",
		} {
			t.Run(name+" to "+target, func(t *testing.T) {
				w.handle(source.redirects, func(rw http.ResponseWriter, r *http.Request) {
					http.Redirect(rw, r, target, http.StatusFound)
				})
				_, err := get(t, s, request(t, upstream.Mod, source.module, "v1.0.0"))
				if name == "repository" && strings.HasPrefix(target, "http:") {
					if got := upstream.ClassOf(err); got != upstream.Unavailable {
						t.Errorf("the error is %v, want unavailable", err)
					}
					return
				}
				denied(t, err, reason)
			})
		}
	}
}

// TestRebinding: a name that is public when it is checked, and private
// afterwards, is connected to where it was checked.
func TestRebinding(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var lookups atomic.Int32
	var mu sync.Mutex
	var dialled []string
	s := w.source(t, func(o *gocmd.Options) {
		o.Resolve = func(context.Context, string) ([]netip.Addr, error) {
			if lookups.Add(1)%2 == 1 {
				return resolve(t.Context(), evilHost)
			}
			return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
		}
		o.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			mu.Lock()
			dialled = append(dialled, address)
			mu.Unlock()
			return w.dial(ctx, network, address)
		}
	})
	w.page("evil.corp.example/lib", "evil.corp.example/lib git https://other.corp.example/lib")
	_, err := get(t, s, request(t, upstream.Mod, "evil.corp.example/lib", "v1.0.0"))
	denied(t, err, "127.0.0.1 is not on the public internet")
	for _, address := range dialled {
		if !strings.HasPrefix(address, addresses[""]) {
			t.Errorf("a connection to %s was made", address)
		}
	}
}

// TestOneBadAddress: a name with a public and a private address is refused.
func TestOneBadAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.source(t, func(o *gocmd.Options) {
		o.Resolve = func(context.Context, string) ([]netip.Addr, error) {
			return []netip.Addr{netip.MustParseAddr("93.184.215.14"), netip.MustParseAddr("::ffff:192.168.1.1")}, nil
		}
	})
	_, err := get(t, s, request(t, upstream.List, "evil.corp.example/lib", ""))
	denied(t, err, "192.168.1.1")
}

// TestHostileGitConfig: not even the user's own configuration leads git to
// files or programs.
func TestHostileGitConfig(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.repo(t, "lib", commit{files: map[string]string{"go.mod": "module git.corp.example/lib.git\n"}, tags: []string{"v1.0.0"}})
	mark := filepath.Join(t.TempDir(), "mark")
	for name, instead := range map[string]string{"file": "file://" + w.repos + "/", "path": w.repos + "/", "ext": "ext::touch " + mark + " "} {
		t.Run(name, func(t *testing.T) {
			config := filepath.Join(t.TempDir(), "gitconfig")
			write(t, config, "[url \""+instead+"\"]\n\tinsteadOf = https://git.corp.example/\n[protocol \"file\"]\n\tallow = always\n[protocol \"ext\"]\n\tallow = always\n")
			s := w.source(t, func(o *gocmd.Options) { o.GitConfig, o.Private = config, "*" })
			_, err := get(t, s, request(t, upstream.Mod, "git.corp.example/lib.git", "v1.0.0"))
			if upstream.ClassOf(err) != upstream.Unavailable {
				t.Errorf("the error is %v, want unavailable", err)
			}
		})
	}
	if _, err := os.Stat(mark); err == nil {
		t.Error("a program was run")
	}
}

// TestAllowedByName: what is refused otherwise may be reached when it is named.
func TestAllowedByName(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.populate(t)
	_, port, _ := net.SplitHostPort(w.server.Listener.Addr().String())
	local := func(context.Context, string) ([]netip.Addr, error) {
		return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
	}
	w.page("go.corp.example/lib", "go.corp.example/lib git https://git.corp.example:"+port+"/lib")
	s := w.source(t, func(o *gocmd.Options) {
		o.Private = "go.corp.example/lib"
		o.Hosts = []string{"GO.corp.example", "git.corp.example:" + port}
		o.Resolve = local
		o.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			if address == "127.0.0.1:443" {
				address = "127.0.0.1:" + port
			}
			return new(net.Dialer).DialContext(ctx, network, address)
		}
	})
	mustGet(t, s, request(t, upstream.List, "go.corp.example/lib", ""))
	w.page("go.corp.example/lib", "go.corp.example/lib git https://git.corp.example/lib")
	_, err := get(t, s, request(t, upstream.List, "go.corp.example/lib", ""))
	denied(t, err, `add "git.corp.example" to gocmd.Options.Hosts`) // only its other port was named
}

func TestVCSOff(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.populate(t)
	s := w.source(t, func(o *gocmd.Options) {
		o.VCS = "go.corp.example/lib:off,private:git,public:off"
		o.Private = "go.corp.example"
	})
	for _, path := range []string{"go.corp.example/lib", "git.corp.example/mono.git"} {
		_, err := get(t, s, request(t, upstream.List, path, ""))
		denied(t, err, "gocmd.Options.VCS")
	}
	if asked := w.requests(); len(asked) > 0 {
		t.Errorf("hosts were asked: %q", asked)
	}
	mustGet(t, s, request(t, upstream.List, "go.corp.example/two", ""))
}
