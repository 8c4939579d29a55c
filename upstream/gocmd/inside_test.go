package gocmd_test

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/upstream/gocmd"
	"github.com/google/go-cmp/cmp"
)

func TestIsPublic(t *testing.T) {
	for _, addr := range strings.Fields(`
		0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.127.255.255 127.0.0.1 127.255.0.1 169.254.169.254
		172.16.0.1 172.31.255.255 192.0.0.8 192.0.2.1 192.88.99.1 192.168.0.1 198.18.0.1 198.19.255.255 198.51.100.7
		203.0.113.9 224.0.0.1 239.1.1.1 240.0.0.1 255.255.255.255
		:: ::1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 ::127.0.0.1 fe80::1 fe80::1%eth0 fec0::1 fc00::1 fd12::1 ff02::1
		64:ff9b::7f00:1 64:ff9b::a00:1 64:ff9b:1::1 2002:7f00:1:: 2002:a00:1::1 2002:a9fe:a9fe:: 2001::1 2001:10::1 2001:db8::1 3fff::1
		100::1 4000::1 5f00::1 2600::1%eth0
	`) {
		if gocmd.IsPublic(netip.MustParseAddr(addr)) {
			t.Errorf("%s counts as public", addr)
		}
	}
	for _, addr := range strings.Fields(`
		1.1.1.1 9.255.255.255 11.0.0.1 100.63.255.255 100.128.0.0 126.1.1.1 128.0.0.1 169.253.0.1 172.15.0.1 172.32.0.1
		192.167.1.1 192.169.0.1 198.17.0.1 198.20.0.1 223.255.255.255 ::ffff:8.8.8.8
		2600::1 2a00:1450::1 2001:4860::8888 64:ff9b::808:808 2002:808:808::1
	`) {
		if !gocmd.IsPublic(netip.MustParseAddr(addr)) {
			t.Errorf("%s does not count as public", addr)
		}
	}
	if gocmd.IsPublic(netip.Addr{}) {
		t.Error("no address counts as public")
	}
}

func TestHostNames(t *testing.T) {
	for _, host := range strings.Fields(`
		localhost localhost. LOCALHOST x.localhost localhost.localdomain.localhost intranet git. 127.0.0.1 127.1 0x7f.1 1.0x7f 2130706433 017700000001
		::1 [::1] fe80::1%lo 10.0.0.1. -x.example a.b@c.example git.example:443 a/b.example a%20b.example
	`) {
		if gocmd.CheckHost(host) {
			t.Errorf("%s may be reached", host)
		}
	}
	for _, host := range strings.Fields(`git.example GIT.Example git.example. x_y.example 3com.example 1.2.3.4.example xn--bcher-kva.example localhost.example`) {
		if !gocmd.CheckHost(host) {
			t.Errorf("%s may not be reached", host)
		}
	}
}

func TestVCSRules(t *testing.T) {
	for _, test := range []struct {
		vcs, private, path string
		want               bool
	}{
		{"*:git", "", "git.example/x", true},
		{"*:off", "", "git.example/x", false},
		{"git.example/a:off,*:git", "", "git.example/a/b", false},
		{"git.example/a:off,*:git", "", "git.example/b", true},
		{"private:git,public:off", "git.example", "git.example/x", true},
		{"private:git,public:off", "git.example", "hub.example/x", false},
		{"public:git,private:off", "*.corp.example", "git.corp.example/x", false},
		{" *.corp.example : git , * : off ", "", "git.corp.example/x", true},
		{"hub.example:off", "", "git.example/x", true}, // what nothing matches is as for the go command
		{"public:git|hg,private:all", "git.example", "git.example/x", true},
		{"public:git|hg,private:all", "git.example", "hub.example/x", true},
		{"public: hg | git", "", "git.example/x", true},
		{"public:hg|svn,private:all", "git.example", "hub.example/x", false},
		{"git.example:hg", "", "git.example/x", false},
		{"git.example:hg", "", "hub.example/x", true},
	} {
		if got := gocmd.AllowsGit(test.vcs, test.private, test.path); got != test.want {
			t.Errorf("VCS %q with Private %q allows git for %s: %v, want %v", test.vcs, test.private, test.path, got, test.want)
		}
	}
}

// TestRulesForTheGoCommand: it is told of git alone, for every module.
func TestRulesForTheGoCommand(t *testing.T) {
	got := map[string]string{}
	for _, list := range []string{"*:git", "*:all", "public:git|hg,private:all", "hub.example:off, *.corp.example : svn | git", "*:hg"} {
		got[list] = gocmd.GOVCS(list)
	}
	want := map[string]string{
		"*:git": "*:git", "*:all": "*:git", "*:hg": "*:off",
		"public:git|hg,private:all":                   "public:git,private:git,*:git",
		"hub.example:off, *.corp.example : svn | git": "hub.example:off,*.corp.example:git,*:git",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestOtherSystem(t *testing.T) {
	got := map[string]string{}
	for _, path := range []string{"a.b/c.hg", "a.b/c.svn/d", "a.b/c.git/d.hg", "a.b/c", "a.hg/c", "a.b/hg", "a.b/c.v2/d.bzr", "launchpad.net/x", "chiselapp.com/user/x"} {
		got[path] = gocmd.OtherSystem(path)
	}
	want := map[string]string{
		"a.b/c.hg": "hg", "a.b/c.svn/d": "svn", "a.b/c.git/d.hg": "", "a.b/c": "", "a.hg/c": "", "a.b/hg": "", "a.b/c.v2/d.bzr": "bzr",
		"launchpad.net/x": "bzr", "chiselapp.com/user/x": "fossil",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestReason(t *testing.T) {
	long := strings.Repeat("x", 2000)
	for name, test := range map[string]struct{ text, want string }{
		"credentials":       {"fatal: https://me:secret@git.example/x and 'ssh://tok@h/'", "fatal: https://xxxxx@git.example/x and 'ssh://xxxxx@h/'"},
		"an @ in a path":    {"fatal: https://git.example/x@y", "fatal: https://git.example/x@y"},
		"scratch files":     {"in /scratch/w1/mod/cache: exit status 1", "in .../mod/cache: exit status 1"},
		"control":           {"a\x1b[31mb\x00c\td\xff\r\n\n  e  \n", "a[31mbc d\ne"},
		"the last lines":    {"1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n", "3\n4\n5\n6\n7\n8\n9\n10"},
		"the end of a line": {long, long[:gocmd.MaxText]},
		"nothing":           {" \n\t\n", ""},
	} {
		if diff := cmp.Diff(test.want, gocmd.Reason(test.text, "/scratch/w1")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestReadRuns(t *testing.T) {
	file := filepath.Join(t.TempDir(), "events")
	write(t, file, `{"event":"version","sid":"1","evt":"3"}
{"event":"start","sid":"1","argv":["git","ls-remote","-q","https://git.example/x"]}
{"event":"start","sid":"1/2","argv":["git-remote-https","x"]}
{"event":"error","sid":"1/2","msg":"repository not found"}
not JSON
{"event":"exit","sid":"1/2","code":7}
{"event":"exit","sid":"1","code":128}
{"event":"start","sid":"3","argv":["git","-c","protocol.version=2","fetch","-f","origin"]}
{"event":"start","sid":"4","argv":["git","log","fetch"]}
{"event":"exit","sid":"4","code":0}
{"event":"start","sid":"5","argv":["git","ls-remote","git://git.example/x"]}
{"event":"exit","sid":"5","code":128}
{"event":"start","sid":"6","ar`)
	type run struct {
		Name       string
		Ended      bool
		Code       int
		Network    bool
		Complaints []string
	}
	var got []run
	for _, r := range gocmd.ReadRuns(file) {
		ended, code := r.Ended()
		got = append(got, run{strings.Join(r.Argv(), " "), ended, code, r.Network(), r.Complaints()})
	}
	want := []run{
		{"git ls-remote -q https://git.example/x", true, 128, true, []string{"repository not found"}},
		{"git -c protocol.version=2 fetch -f origin", false, 0, true, nil},
		{"git log fetch", true, 0, false, nil},
		{"git ls-remote git://git.example/x", true, 128, false, nil},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("runs (-want +got):\n%s", diff)
	}
	if runs := gocmd.ReadRuns(file + "-none"); runs != nil {
		t.Errorf("without a trace there are runs: %v", runs)
	}
}

func TestLastStatus(t *testing.T) {
	const prefix = "20:29:31.123456 http.c:725              "
	lines := func(lines ...string) string { return prefix + strings.Join(lines, "\n"+prefix) + "\n" }
	connect := []string{"=> Send header: CONNECT git.example:443 HTTP/1.1", "<= Recv header: HTTP/1.1 200 Connection established"}
	for name, test := range map[string]struct {
		lines []string
		want  int
	}{
		"none":             {nil, 0},
		"refused by us":    {[]string{connect[0], "<= Recv header: HTTP/1.1 403 Forbidden"}, 0},
		"tunnel only":      {connect, 0},
		"answered":         {append(connect, "=> Send header: GET /x HTTP/1.1", "<= Recv header: HTTP/1.1 404 Not Found"), 404},
		"by HTTP/2":        {[]string{"=> Send header: GET /x HTTP/2", "<= Recv header: HTTP/2 401"}, 401},
		"the last counts":  {[]string{"=> Send header: GET /x HTTP/2", "<= Recv header: HTTP/2 401", "=> Send header: GET /x HTTP/2", "<= Recv header: HTTP/2 200"}, 200},
		"interim":          {[]string{"=> Send header: POST /x HTTP/1.1", "<= Recv header: HTTP/1.1 100 Continue"}, 0},
		"broken off":       {[]string{"=> Send header: GET /x HTTP/1.1", "<= Recv header: HTTP/1.1 200 OK", "=> Send header: POST /x HTTP/1.1"}, 0},
		"header that lies": {[]string{"=> Send header: GET /x HTTP/1.1", "<= Recv header: HTTP/1.1 500 x", "<= Recv header: X: HTTP/1.1 404"}, 500},
	} {
		file := filepath.Join(t.TempDir(), "transfers")
		write(t, file, lines(test.lines...))
		if got := gocmd.LastStatus(file); got != test.want {
			t.Errorf("%s: the status is %d, want %d", name, got, test.want)
		}
	}
}

// TestShelf: workspaces are kept for the next request of their module, but not
// for long and not many.
func TestShelf(t *testing.T) {
	dir := t.TempDir()
	count := func() int {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	synctest.Test(t, func(t *testing.T) {
		s := gocmd.NewShelf(2, time.Minute)
		put := func(module string) {
			w, err := gocmd.NewTestHome(dir, module)
			if err != nil {
				t.Fatal(err)
			}
			s.Put(w)
		}
		put("a")
		time.Sleep(59 * time.Second)
		w := s.Take("a", false)
		if w == nil || s.Take("a", false) != nil || s.Take("b", false) != nil {
			t.Error("a workspace is not taken exactly once")
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if count() != 1 {
			t.Error("a workspace was removed while it was in use")
		}
		s.Put(w)
		time.Sleep(61 * time.Second)
		synctest.Wait()
		if count() != 0 || s.Take("a", false) != nil {
			t.Error("an old workspace is still there")
		}
		put("a")
		put("b")
		put("c")
		if count() != 2 || s.Take("a", false) != nil {
			t.Errorf("%d workspaces are kept, want 2, without the oldest", count())
		}
		w = s.Take("c", false)
		s.Close()
		s.Put(w)
		if count() != 0 {
			t.Errorf("%d workspaces are left after Close", count())
		}
	})
}

// TestShelfPrefers: the workspace of the module itself, and else one of a module
// around it.
func TestShelfPrefers(t *testing.T) {
	s := gocmd.NewShelf(2, time.Hour)
	defer s.Close()
	dir := t.TempDir()
	for _, module := range []string{"x/y", "x/y/z"} {
		w, err := gocmd.NewTestHome(dir, module)
		if err != nil {
			t.Fatal(err)
		}
		s.Put(w)
	}
	if w := s.Take("x/yy", false); w != nil {
		t.Errorf("the workspace for %s is taken for a module beside it", w.Module())
	}
	for _, want := range []string{"x/y/z", "x/y"} {
		if w := s.Take("x/y/z", false); w == nil || w.Module() != want {
			t.Errorf("another workspace is taken, want that for %s", want)
		}
	}
}

// TestShelfKeepsPrivateApart: what was made with credentials is for those who
// have them, and what was made without has none.
func TestShelfKeepsPrivateApart(t *testing.T) {
	s := gocmd.NewShelf(2, time.Hour)
	defer s.Close()
	dir := t.TempDir()
	for _, module := range []string{"private.example/x", "x.example/y"} {
		w, err := gocmd.NewTestHome(dir, module)
		if err != nil {
			t.Fatal(err)
		}
		s.Put(w)
		private := module == "private.example/x"
		for _, path := range []string{module, module + "/z"} {
			if s.Take(path, !private) != nil {
				t.Errorf("the workspace of %s is taken for %s, which is private: %v", module, path, !private)
			}
		}
		if s.Take(module+"/z", private) == nil {
			t.Errorf("the workspace of %s is not taken for a module like it", module)
		}
	}
}
