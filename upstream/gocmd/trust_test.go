package gocmd_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/upstream/gocmd"
	"github.com/google/go-cmp/cmp"
)

const onlyPrivate = "credentials are used only for modules that match Private (GOPRIVATE)"

const stranger = evilHost + "/x"

// redirects has all below a host and path lead to another URL.
func (w *world) redirects(from, to string) {
	w.handle(from, func(rw http.ResponseWriter, r *http.Request) {
		http.Redirect(rw, r, to+"?"+r.URL.RawQuery, http.StatusFound)
	})
}

// deputies are the ways by which a stranger's module leads to what others may
// not read: to the private repository, or what else wants the password.
func (w *world) deputies() map[string]func(module string) {
	return map[string]func(module string){
		"page": func(m string) { w.page(m, m+" git https://"+gitHost+"/private/secret") },
		"redirect of the repository": func(m string) {
			w.page(m, m+" git https://"+evilHost+"/r")
			w.handle(evilHost+"/r", status(http.StatusOK))
			w.redirects(evilHost+"/r/info/refs", "https://"+gitHost+"/private/secret/info/refs")
		},
		"redirect of the page": func(m string) {
			w.redirects(m, "https://"+gitHost+"/private/page")
			w.handle(gitHost+"/private/page", ours(`<meta name="go-import" content="`+m+` git https://`+gitHost+`/private/secret">`))
		},
		"module proxy": func(m string) {
			w.page(m, m+" mod https://"+gitHost+"/private/mods")
			for _, file := range []string{"@latest", "@v/v1.0.0.info"} {
				w.handle(gitHost+"/private/mods/"+m+"/"+file, ours(`{"Version":"v1.0.0","Time":"2024-05-01T00:00:00Z"}`))
			}
			w.handle(gitHost+"/private/mods/"+m+"/@v/list", ours("v1.0.0\n"))
			w.handle(gitHost+"/private/mods/"+m+"/@v/v1.0.0.mod", ours("module "+m+"\n"))
		},
	}
}

// ours answers those who have the password.
func ours(body string) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "me" || password != "secret" {
			http.Error(rw, "who are you?", http.StatusUnauthorized)
			return
		}
		fmt.Fprint(rw, body)
	}
}

// TestStrangersGetNoCredentials: what a module that is not private leads to is
// asked as anybody may ask, wherever our credentials are.
func TestStrangersGetNoCredentials(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.populate(t)
	config := func(text string) func(*gocmd.Options) {
		file := filepath.Join(t.TempDir(), "gitconfig")
		write(t, file, text)
		return func(o *gocmd.Options) { o.Netrc, o.GitConfig = os.DevNull, file }
	}
	for name, change := range map[string]func(*gocmd.Options){
		"netrc":             func(*gocmd.Options) {},
		"credential helper": config("[credential]\n\thelper = \"!f() { echo username=me; echo password=secret; }; f\"\n"),
		"header":            config("[http]\n\textraHeader = Authorization: Basic bWU6c2VjcmV0\n"),
		"another URL":       config("[url \"https://me:secret@git.corp.example/\"]\n\tinsteadOf = https://git.corp.example/\n"),
		"Credentials":       func(o *gocmd.Options) { o.Credentials = known{gitHost: "me:secret"} },
		"refreshed":         func(o *gocmd.Options) { o.Credentials = learnt{known{gitHost: "me:secret"}} },
	} {
		s := w.source(t, change)
		mustGet(t, s, request(t, upstream.Mod, goHost+"/secret", "v1.0.0"))
		if len(w.credentials()) == 0 {
			t.Errorf("%s: a private module is fetched without credentials", name)
		}
		for way, lead := range w.deputies() {
			t.Run(name+", "+way, func(t *testing.T) {
				lead(stranger)
				for _, req := range []upstream.Request{
					request(t, upstream.List, stranger, ""), request(t, upstream.Latest, stranger, ""),
					request(t, upstream.Info, stranger, "v1.0.0"), request(t, upstream.Info, stranger, "main"),
					request(t, upstream.Mod, stranger, "v1.0.0"), request(t, upstream.Zip, stranger, "v1.0.0"),
				} {
					_, err := get(t, s, req)
					denied(t, err, onlyPrivate)
				}
				if shown := w.credentials(); len(shown) > 0 {
					t.Errorf("credentials were sent: %q", shown)
				}
			})
		}
	}
}

// TestAllPrivate: all of that is as the user would have it who trusts all
// modules.
func TestAllPrivate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.populate(t)
	s := w.source(t, func(o *gocmd.Options) { o.Private = "*" })
	for way, lead := range w.deputies() {
		if way == "redirect of the page" { // credentials are not taken along to another host
			continue
		}
		lead(stranger)
		if _, err := get(t, s, request(t, upstream.Mod, stranger, "v1.0.0")); err != nil {
			t.Errorf("%s: %v", way, err)
		}
	}
}

// TestDeputyThroughHandler: a go command without credentials does not get
// private code from us under a stranger's name, and does under its own.
func TestDeputyThroughHandler(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.populate(t)
	url := w.handler(t, fetch.GoSettings{GOPROXY: "direct", GOPRIVATE: goHost}, func(o *gocmd.Options) { o.Private = "" })
	o := w.through(t, url)
	o.run(t, "mod", "download", goHost+"/secret@v1.0.0")
	for way, lead := range w.deputies() {
		module := evilHost + "/" + strings.ReplaceAll(way, " ", "-") // a failure is remembered for a while
		lead(module)
		said := o.fail(t, "mod", "download", module+"@v1.0.0")
		if !strings.Contains(said, "403 Forbidden") || !strings.Contains(said, onlyPrivate) {
			t.Errorf("%s: the go command says %q, want 403 and why", way, said)
		}
	}
}

// TestHostsAreNotForStrangers: a host inside the network that is allowed by name
// is reached for private modules, and for its own; for others not even over a
// connection that is still there.
func TestHostsAreNotForStrangers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.populate(t)
	w.publish(t)
	inside := netip.MustParseAddr("10.0.0.2")
	var dials atomic.Int32
	s := w.source(t, func(o *gocmd.Options) {
		o.Private = goHost
		o.Hosts = []string{gitHost, "mods.corp.example:443"}
		o.Resolve = func(ctx context.Context, host string) ([]netip.Addr, error) {
			if host = strings.ToLower(host); host == gitHost || host == "mods.corp.example" {
				return []netip.Addr{inside}, nil
			}
			return resolve(ctx, host)
		}
		o.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			if host, port, _ := net.SplitHostPort(address); host == inside.String() {
				dials.Add(1)
				address = net.JoinHostPort(addresses[""], port)
			}
			return w.dial(ctx, network, address)
		}
	})
	own := "mods.corp.example/own"
	w.page(own, own+" mod https://mods.corp.example/base")
	w.handle("mods.corp.example/base/"+own+"/@v/list", func(rw http.ResponseWriter, _ *http.Request) { fmt.Fprintln(rw, "v1.0.0") })
	reached := func() {
		mustGet(t, s, request(t, upstream.List, goHost+"/lib", ""))
		mustGet(t, s, request(t, upstream.List, proxied, ""))
		mustGet(t, s, request(t, upstream.List, gitHost+"/lib.git", ""))
		mustGet(t, s, request(t, upstream.List, own, ""))
	}
	w.handle("mods.corp.example/base/"+stranger+"/@v/list", func(rw http.ResponseWriter, _ *http.Request) { fmt.Fprintln(rw, "v1.0.0") })
	w.page("mods.corp.example/page", stranger+" git https://other.corp.example/lib")
	for way, lead := range map[string]func(){
		"page":                 func() { w.page(stranger, stranger+" git https://"+gitHost+"/lib") },
		"page in upper case":   func() { w.page(stranger, stranger+" git https://GIT.corp.example/lib") },
		"module proxy":         func() { w.page(stranger, stranger+" mod https://mods.corp.example/base") },
		"redirect of the page": func() { w.redirects(stranger, "https://mods.corp.example/page") },
		"redirect of the repository": func() {
			w.page(stranger, stranger+" git https://"+evilHost+"/r")
			w.redirects(evilHost+"/r/info/refs", "https://"+gitHost+"/lib/info/refs")
		},
		"redirect of the module proxy": func() {
			w.page(stranger, stranger+" mod https://"+evilHost+"/base")
			w.redirects(evilHost+"/base/"+stranger+"/@v/list", "https://mods.corp.example/base/"+stranger+"/@v/list")
		},
	} {
		t.Run(way, func(t *testing.T) {
			reached()
			before := dials.Load()
			w.requests()
			lead()
			_, err := get(t, s, request(t, upstream.List, stranger, ""))
			denied(t, err, "10.0.0.2 is not on the public internet (it is in gocmd.Options.Hosts")
			if dials.Load() > before {
				t.Error("a connection into the network was made")
			}
			for _, asked := range w.requests() {
				if !strings.HasPrefix(asked, "GET "+evilHost+"/") {
					t.Errorf("asked inside the network: %s", asked)
				}
			}
		})
	}
}

// TestInsideNamesAreNotForStrangers: neither are hosts that are allowed by name
// for what their name or their port is.
func TestInsideNamesAreNotForStrangers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := newVictim(t)
	s := w.source(t, func(o *gocmd.Options) {
		o.Hosts = []string{"intranet", "127.0.0.1", "localhost:" + v.port, "git.corp.example:" + v.port}
	})
	for _, root := range []string{"intranet/x", "127.0.0.1:" + v.port + "/x", "localhost:" + v.port + "/x", "git.corp.example:" + v.port + "/x"} {
		for _, vcs := range []string{"git", "mod"} {
			w.page(stranger, stranger+" "+vcs+" https://"+root)
			_, err := get(t, s, request(t, upstream.List, stranger, ""))
			denied(t, err, "it is in gocmd.Options.Hosts")
		}
	}
}

// TestConnectionsOfPrivateModulesAreApart: one that has seen credentials is used
// again, but not for a module that has none, at the same host.
func TestConnectionsOfPrivateModulesAreApart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var dials atomic.Int32
	s := w.source(t, func(o *gocmd.Options) {
		o.Private = proxied
		o.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			dials.Add(1)
			return w.dial(ctx, network, address)
		}
	})
	var got []int32
	for _, module := range []string{proxied, proxied, goHost + "/other", goHost + "/other"} {
		w.page(module, module+" mod https://"+goHost+"/base")
		w.handle(goHost+"/base/"+module+"/@v/list", func(rw http.ResponseWriter, _ *http.Request) { fmt.Fprintln(rw, "v1.0.0") })
		mustGet(t, s, request(t, upstream.List, module, ""))
		got = append(got, dials.Load())
	}
	if diff := cmp.Diff([]int32{1, 1, 2, 2}, got); diff != "" {
		t.Errorf("connections made (-want +got):\n%s", diff)
	}
}

// TestClonesOfPrivateModulesAreApart: modules of one repository, of which some
// are private. A clone that was made with credentials is not for the others, and
// where there are none does no harm to those that have them.
func TestClonesOfPrivateModulesAreApart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	mono := gitHost + "/private/mono.git"
	w.repo(t, "private/mono", commit{files: map[string]string{
		"secret/go.mod": "module " + mono + "/secret\n", "public/go.mod": "module " + mono + "/public\n",
	}, tags: []string{"secret/v1.0.0", "public/v1.0.0"}})
	w.repo(t, "open", commit{files: map[string]string{"go.mod": "module go.corp.example/open\n"}, tags: []string{"v1.0.0"}})
	w.repo(t, "private/inner", commit{files: map[string]string{"go.mod": "module go.corp.example/open/inner\n"}, tags: []string{"v1.0.0"}})
	w.page("go.corp.example/open", "go.corp.example/open git https://git.corp.example/open")
	w.page("go.corp.example/open/inner", "go.corp.example/open/inner git https://git.corp.example/private/inner")
	s := w.source(t, func(o *gocmd.Options) { o.Private = mono + "/secret,go.corp.example/open/inner" })
	for _, k := range []upstream.Kind{upstream.Info, upstream.Mod, upstream.Zip} {
		mustGet(t, s, request(t, k, mono+"/secret", "v1.0.0"))
		_, err := get(t, s, request(t, k, mono+"/public", "v1.0.0"))
		denied(t, err, onlyPrivate)

		mustGet(t, s, request(t, k, "go.corp.example/open", "v1.0.0"))
		mustGet(t, s, request(t, k, "go.corp.example/open/inner", "v1.0.0"))
	}
	if asked := w.credentials(); slices.ContainsFunc(asked, func(r string) bool { return strings.Contains(r, "/open/") }) {
		t.Errorf("credentials were sent for a module that is not private: %q", asked)
	}
}
