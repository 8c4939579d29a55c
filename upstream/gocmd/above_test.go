package gocmd_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/upstream/gocmd"
)

// What lies in the directories above Dir is nobody's business: no go.mod file is the
// main module, and no repository's configuration is git's.
func TestWhatIsAboveDir(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.populate(t)
	above, mark := t.TempDir(), filepath.Join(t.TempDir(), "mark")
	dir := filepath.Join(above, "scratch")
	if err := os.Mkdir(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(above, "go.mod"), "module above\n\ngo 1.999\n\nexclude git.corp.example/mono.git v0.1.0\n")
	git(t, "", 0, "init", "-q", above)
	write(t, filepath.Join(above, ".git", "config"), fmt.Sprintf(
		"[core]\n\trepositoryformatversion = 0\n[http]\n\textraHeader = X-Above: token\n[credential]\n\thelper = \"!f(){ echo >%s; }; f\"\n", mark))
	var mu sync.Mutex
	leaked := false
	for _, path := range []string{"mono", "private/secret"} {
		w.handle(gitHost+"/"+path+"/info/refs", func(rw http.ResponseWriter, r *http.Request) {
			mu.Lock()
			leaked = leaked || r.Header.Get("X-Above") != ""
			mu.Unlock()
			w.git(rw, r)
		})
	}
	s := w.source(t, func(o *gocmd.Options) { o.Dir, o.Private, o.Netrc = dir, gitHost+"/private", os.DevNull })
	if list := mustGet(t, s, request(t, upstream.List, "git.corp.example/mono.git", "")); list != "v0.1.0\n" {
		t.Errorf("the list is %q", list)
	}
	if _, err := get(t, s, request(t, upstream.List, "git.corp.example/private/secret.git", "")); upstream.ClassOf(err) != upstream.Denied {
		t.Errorf("without credentials: %v", err)
	}
	if _, err := os.Stat(mark); leaked || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("git went by the configuration above: header %v, helper %v", leaked, err)
	}
}

// Of several ways to a repository one that is down leaves the answer open, whatever
// another says.
func TestOutageOfOneWay(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		module string
		change func(*world, *gocmd.Options)
	}{
		"ssh after https": {"git.corp.example/team/lib.git", func(_ *world, o *gocmd.Options) {
			o.Private, o.SSHHosts, o.GitSSHCommand = gitHost, []string{gitHost}, "sh -c 'exit 255'"
		}},
		"http after https": {"git.corp.example/down.git", func(w *world, o *gocmd.Options) {
			o.Insecure = gitHost
			w.handle(gitHost+"/down/info/refs", func(rw http.ResponseWriter, r *http.Request) {
				if r.TLS != nil {
					rw.WriteHeader(http.StatusBadGateway)
					return
				}
				http.NotFound(rw, r)
			})
			w.handle(gitHost+"/down.git/info/refs", func(rw http.ResponseWriter, r *http.Request) {
				if r.TLS != nil {
					rw.WriteHeader(http.StatusBadGateway)
					return
				}
				http.NotFound(rw, r)
			})
		}},
		"plain http, refused": {"go.corp.example/p", func(w *world, o *gocmd.Options) {
			o.Insecure = "*.corp.example"
			w.page("go.corp.example/p", "go.corp.example/p git http://refuses.corp.example/x")
		}},
		"plain http, no name server": {"go.corp.example/q", func(w *world, o *gocmd.Options) {
			o.Insecure = "*.corp.example"
			w.page("go.corp.example/q", "go.corp.example/q git http://servfail.corp.example/x")
		}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			s := w.source(t, func(o *gocmd.Options) { tt.change(w, o) })
			if _, err := get(t, s, request(t, upstream.Info, tt.module, "v1.0.0")); upstream.ClassOf(err) != upstream.Unavailable {
				t.Errorf("%v: %v", upstream.ClassOf(err), err)
			}
		})
	}
}

// A transfer over plain http is bounded as any other.
func TestMaxTransferWithoutEncryption(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.populate(t)
	w.page("go.corp.example/plain", "go.corp.example/plain git http://git.corp.example/lib")
	s := w.source(t, func(o *gocmd.Options) { o.Insecure, o.MaxTransfer = "*.corp.example", 10 })
	_, err := get(t, s, request(t, upstream.Info, "go.corp.example/plain", "v1.0.0"))
	if upstream.ClassOf(err) != upstream.Denied || !strings.Contains(err.Error(), "MaxTransfer") {
		t.Errorf("got %v", err)
	}
}

// A name with any number of addresses is tried at a few, and not for ever.
func TestManyAddresses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var mu sync.Mutex
	tried := map[string]bool{}
	s := w.source(t, func(o *gocmd.Options) {
		o.Resolve = func(context.Context, string) (all []netip.Addr, err error) {
			for i := range 200 {
				all = append(all, netip.AddrFrom4([4]byte{93, 184, 1, byte(i)}))
			}
			return all, nil
		}
		o.Dial = func(ctx context.Context, _, address string) (net.Conn, error) {
			mu.Lock()
			defer mu.Unlock()
			tried[address] = true
			if _, bounded := ctx.Deadline(); !bounded {
				t.Error("a dial without a deadline")
			}
			return nil, errors.New("refused")
		}
	})
	if _, err := get(t, s, request(t, upstream.Info, "evil.corp.example/x", "v1.0.0")); upstream.ClassOf(err) != upstream.Unavailable {
		t.Errorf("got %v", err)
	}
	if len(tried) == 0 || len(tried) > 6 {
		t.Errorf("%d addresses were tried", len(tried))
	}
}
