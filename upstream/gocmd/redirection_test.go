package gocmd_test

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/upstream/gocmd"
	"github.com/google/go-cmp/cmp"
)

const proxied = "go.corp.example/proxied"

// publish has a module proxy below https://mods.corp.example/base serve a
// module, to which a go-import page leads.
func (w *world) publish(t *testing.T) {
	t.Helper()
	var body bytes.Buffer
	z := zip.NewWriter(&body)
	for name, content := range map[string]string{"go.mod": "module " + proxied + "\n", "a.go": "package a\n"} {
		f, err := z.Create(proxied + "@v1.0.0/" + name)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(f, content)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	for file, content := range map[string]string{
		"@v/list":        "v1.0.0\n",
		"@latest":        `{"Version":"v1.0.0","Time":"2024-05-01T00:00:00Z"}`,
		"@v/v1.0.0.info": `{"Version":"v1.0.0","Time":"2024-05-01T00:00:00Z"}`,
		"@v/v1.0.0.mod":  "module " + proxied + "\n",
		"@v/v1.0.0.zip":  body.String(),
	} {
		w.handle("mods.corp.example/base/"+proxied+"/"+file, func(rw http.ResponseWriter, _ *http.Request) { fmt.Fprint(rw, content) })
	}
	w.page(proxied, proxied+" mod https://mods.corp.example/base")
}

// TestModRedirection: a go-import page may lead to a module proxy.
func TestModRedirection(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publish(t)
	s, direct := w.source(t, nil), w.oracle(t)
	direct.run(t, "mod", "download", proxied+"@v1.0.0")
	for _, k := range []upstream.Kind{upstream.Info, upstream.Mod, upstream.Zip} {
		req := request(t, k, proxied, "v1.0.0")
		if diff := cmp.Diff(direct.file(t, req), mustGet(t, s, req)); diff != "" {
			t.Errorf("%v (-go command +Source):\n%s", req, diff)
		}
	}
	if got := mustGet(t, s, request(t, upstream.List, proxied, "")); got != "v1.0.0\n" {
		t.Errorf("the list is %q", got)
	}
	mustGet(t, s, request(t, upstream.Latest, proxied, ""))
	if _, err := get(t, s, request(t, upstream.Mod, proxied, "v2.0.0+incompatible")); upstream.ClassOf(err) != upstream.NotFound {
		t.Errorf("an absent version: %v, want not found", err)
	}
}

// TestModRedirectionToLoopback: a module proxy on this machine must be named, and
// then it is asked like any other.
func TestModRedirectionToLoopback(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, port, _ := net.SplitHostPort(w.server.Listener.Addr().String())
	w.handle("localhost/base/"+proxied+"/@v/list", func(rw http.ResponseWriter, _ *http.Request) { fmt.Fprintln(rw, "v1.0.0") })
	w.page(proxied, proxied+" mod https://localhost:"+port+"/base")
	s := w.source(t, func(o *gocmd.Options) {
		o.Private, o.Hosts = proxied, []string{"localhost:" + port}
		o.Resolve = func(ctx context.Context, host string) ([]netip.Addr, error) {
			if host == "localhost" {
				return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
			}
			return resolve(ctx, host)
		}
		o.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			if strings.HasPrefix(address, "127.") {
				return new(net.Dialer).DialContext(ctx, network, address)
			}
			return w.dial(ctx, network, address)
		}
	})
	if got := mustGet(t, s, request(t, upstream.List, proxied, "")); got != "v1.0.0\n" {
		t.Errorf("the list is %q", got)
	}
	_, err := get(t, s, request(t, upstream.Info, proxied, "v1.7.0"))
	if upstream.ClassOf(err) != upstream.NotFound || !strings.Contains(err.Error(), "https://localhost:"+port+"/base/") {
		t.Errorf("the error is %v, want not found, naming the proxy", err)
	}
}

func TestModRedirectionFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publish(t)
	s := w.source(t, nil)
	for code, want := range map[int]upstream.Class{
		404: upstream.NotFound, 410: upstream.NotFound, 401: upstream.Denied, 403: upstream.Denied,
		500: upstream.Unavailable, 503: upstream.Unavailable, 429: upstream.Unavailable,
	} {
		w.handle("mods.corp.example/base/"+proxied+"/@v/v1.0.1.info", status(code))
		_, err := get(t, s, request(t, upstream.Info, proxied, "v1.0.1"))
		if got := upstream.ClassOf(err); got != want {
			t.Errorf("status %d: %v, want %v", code, err, want)
		}
	}
}

// known are credentials, name and password, by host.
type known map[string]string

func (k known) Header(_ context.Context, u *url.URL) (http.Header, error) {
	r := http.Request{Header: http.Header{}}
	if name, password, ok := strings.Cut(k[u.Host], ":"); ok {
		r.SetBasicAuth(name, password)
	}
	return r.Header, nil
}

// learnt are credentials that are had only once a server has refused us.
type learnt struct{ known }

func (learnt) Header(context.Context, *url.URL) (http.Header, error) { return nil, nil }

func (l learnt) Refresh(ctx context.Context, u *url.URL, _ http.Header, _ *http.Response) (http.Header, error) {
	return l.known.Header(ctx, u)
}

// TestCredentials: go-import pages and module proxies get those of their own
// host, over https, and no other host does.
func TestCredentials(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publish(t)
	netrc := filepath.Join(t.TempDir(), "netrc")
	write(t, netrc, "machine go.corp.example\nlogin a password 1\nmachine mods.corp.example login b password 2\nmachine pages.corp.example login d password 4\ndefault login c password 3\n")
	sources := map[string]func(*gocmd.Options){
		"netrc": func(o *gocmd.Options) { o.Netrc = netrc },
		"known": func(o *gocmd.Options) {
			o.Netrc = os.DevNull
			o.Credentials = known{"go.corp.example": "a:1", "mods.corp.example": "b:2", "pages.corp.example": "d:4"}
		},
		"learnt, after a refusal": func(o *gocmd.Options) {
			o.Netrc = os.DevNull
			o.Credentials = learnt{known{"go.corp.example": "a:1", "mods.corp.example": "b:2", "pages.corp.example": "d:4"}}
		},
	}
	seen := map[string]string{}
	note := func(rw http.ResponseWriter, r *http.Request) bool {
		user, password, ok := r.BasicAuth()
		seen[r.Host] = user + ":" + password
		if !ok && r.Host != "pages.corp.example" {
			http.Error(rw, "who are you?", http.StatusUnauthorized)
			return false
		}
		return true
	}
	w.handle(proxied, func(rw http.ResponseWriter, r *http.Request) {
		if !note(rw, r) {
			return
		}
		http.Redirect(rw, r, "https://pages.corp.example/proxied?go-get=1", http.StatusFound)
	})
	w.handle("pages.corp.example/proxied", func(rw http.ResponseWriter, r *http.Request) {
		note(rw, r)
		fmt.Fprintf(rw, `<meta name="go-import" content="%s mod https://mods.corp.example/base">`, proxied)
	})
	w.handle("mods.corp.example/base/"+proxied+"/@v/list", func(rw http.ResponseWriter, r *http.Request) {
		if !note(rw, r) {
			return
		}
		fmt.Fprintln(rw, "v1.0.0")
	})
	want := map[string]string{"go.corp.example": "a:1", "pages.corp.example": ":", "mods.corp.example": "b:2"}
	for name, change := range sources {
		t.Run(name, func(t *testing.T) {
			clear(seen)
			ours := func(o *gocmd.Options) { change(o); o.Private = proxied }
			mustGet(t, w.source(t, ours), request(t, upstream.List, proxied, ""))
			if diff := cmp.Diff(want, seen); diff != "" {
				t.Errorf("credentials (-want +got):\n%s", diff)
			}
		})
	}
}

// TestDefaultCredentials: those that a netrc file has for any host go to none,
// while those for a host are used, also by git.
func TestDefaultCredentials(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.populate(t)
	netrc := filepath.Join(t.TempDir(), "netrc")
	write(t, netrc, "machine git.corp.example login me password secret\ndefault login me password secret\n")
	var sent atomic.Int32
	challenge := func(rw http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			sent.Add(1)
		}
		rw.Header().Set("WWW-Authenticate", `Basic realm="all your passwords"`)
		http.Error(rw, "who are you?", http.StatusUnauthorized)
	}
	w.handle("evil.corp.example/page", challenge)
	w.handle("evil.corp.example/repo/info/refs", challenge)
	s := w.source(t, func(o *gocmd.Options) { o.Netrc, o.Private = netrc, "*" })
	for _, path := range []string{"evil.corp.example/page", "evil.corp.example/repo.git"} {
		if _, err := get(t, s, request(t, upstream.List, path, "")); err == nil {
			t.Errorf("%s is served", path)
		}
	}
	if n := sent.Load(); n > 0 {
		t.Errorf("credentials were sent to a stranger %d times", n)
	}
	mustGet(t, s, request(t, upstream.List, "go.corp.example/secret", ""))
}

// TestInsecure: only for modules of Options.Insecure is http used, and a
// certificate not verified.
func TestInsecure(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.repo(t, "lib", commit{files: map[string]string{"go.mod": "module go.corp.example/lib\n"}, tags: []string{"v1.0.0"}})
	w.page("go.corp.example/lib", "go.corp.example/lib git http://git.corp.example/lib")
	untrusting := func(o *gocmd.Options) { o.RootCAs = "" }
	insecure := func(o *gocmd.Options) { o.RootCAs, o.Insecure, o.Private = "", "go.corp.example/lib", "*" }
	req := request(t, upstream.Zip, "go.corp.example/lib", "v1.0.0")
	mustGet(t, w.source(t, insecure), req)
	if _, err := get(t, w.source(t, untrusting), req); upstream.ClassOf(err) != upstream.Unavailable {
		t.Errorf("without Insecure: %v, want unavailable", err)
	}
	_, err := get(t, w.source(t, nil), req)
	denied(t, err, "only https")

	// Nobody on the way is shown a password.
	w.handle("git.corp.example/locked/info/refs", func(rw http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			t.Error("credentials were sent over http")
		}
		rw.Header().Set("WWW-Authenticate", "Basic")
		http.Error(rw, "who are you?", http.StatusUnauthorized)
	})
	w.page("go.corp.example/lib", "go.corp.example/lib git http://git.corp.example/locked")
	if _, err = get(t, w.source(t, insecure), req); err == nil {
		t.Error("a repository that wants a password is served over http")
	}
}

// TestSSH: git reaches by ssh the hosts that are named for it, and no others.
func TestSSH(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.repo(t, "lib", commit{files: map[string]string{"go.mod": "module go.corp.example/lib\n"}, tags: []string{"v1.0.0"}})
	dir := t.TempDir()
	ssh := filepath.Join(dir, "ssh") // runs the remote command here
	write(t, ssh, `#!/bin/sh
echo "$@" >>`+dir+`/log
for last in "$@"; do :; done
eval "set -- $last"
exec git upload-pack "`+w.repos+`$2"
`)
	if err := os.Chmod(ssh, 0o755); err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(dir, "gitconfig")
	write(t, config, "[url \"ssh://me@other.corp.example/\"]\n\tinsteadOf = https://git.corp.example/\n")
	s := w.source(t, func(o *gocmd.Options) {
		o.SSHHosts, o.GitSSHCommand, o.GitConfig = []string{"ssh.corp.example"}, ssh, config
		o.Private = goHost
	})
	lib := request(t, upstream.Zip, "go.corp.example/lib", "v1.0.0")
	for _, test := range []struct{ name, root, refused string }{
		{"named", "ssh://git@ssh.corp.example/lib", ""},
		{"in upper case, with port", "ssh://git@SSH.corp.example:2222/lib", ""},
		{"another", "ssh://git@other.corp.example/lib", "other.corp.example"},
		{"another, by the user's configuration", "https://git.corp.example/lib", "other.corp.example"},
		{"a longer name", "ssh://git@xssh.corp.example/lib", "xssh.corp.example"},
		{"an option", "ssh://-oProxyCommand=x/lib", "-oProxyCommand=x"},
	} {
		t.Run(test.name, func(t *testing.T) {
			os.Remove(filepath.Join(dir, "log"))
			w.page("go.corp.example/lib", "go.corp.example/lib git "+test.root)
			_, err := get(t, s, lib)
			if test.refused != "" {
				denied(t, err, fmt.Sprintf("add %q to gocmd.Options.SSHHosts", test.refused))
				if called, err := os.ReadFile(filepath.Join(dir, "log")); err == nil {
					t.Errorf("ssh was called: %s", called)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if called := read(t, filepath.Join(dir, "log")); !strings.Contains(strings.ToLower(called), "git@ssh.corp.example") {
				t.Errorf("ssh was called as %q", called)
			}
		})
	}
	w.page("go.corp.example/lib", "go.corp.example/lib git ssh://git@ssh.corp.example/lib")
	if _, err := get(t, s, request(t, upstream.Mod, "go.corp.example/lib", "v1.7.0")); upstream.ClassOf(err) != upstream.NotFound {
		t.Errorf("an absent version: %v, want not found", err)
	}
	w.page("go.corp.example/lib2", "go.corp.example/lib2 git ssh://git@ssh.corp.example/none")
	if _, err := get(t, s, request(t, upstream.Mod, "go.corp.example/lib2", "v1.0.0")); upstream.ClassOf(err) != upstream.Unavailable {
		t.Errorf("a repository that ssh does not find: %v, want unavailable", err)
	}

	// A module that is not private may not use ssh, nor is it led there.
	os.Remove(filepath.Join(dir, "log"))
	w.page("evil.corp.example/lib", "evil.corp.example/lib git ssh://git@ssh.corp.example/lib")
	_, err := get(t, s, request(t, upstream.Mod, "evil.corp.example/lib", "v1.0.0"))
	denied(t, err, onlyPrivate)
	w.page("evil.corp.example/lib", "evil.corp.example/lib git https://git.corp.example/lib")
	mustGet(t, s, request(t, upstream.Mod, "evil.corp.example/lib", "v1.0.0"))
	if called, err := os.ReadFile(filepath.Join(dir, "log")); err == nil {
		t.Errorf("ssh was called for a stranger's module: %s", called)
	}
}
