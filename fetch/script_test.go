package fetch_test

import (
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/breakwater-go/breakwater/breaker"
	"github.com/breakwater-go/breakwater/fetch"
	"github.com/breakwater-go/breakwater/fetch/internal/origin"
	"github.com/breakwater-go/breakwater/upstream"
	"github.com/rogpeppe/go-internal/testscript"
)

// The scripts run the real go command against a Breakwater in front of a test
// proxy, in an environment of their own:
//
//	$PROXY     Breakwater, and the scripts' GOPROXY
//	$ORIGIN    the proxy behind it, with the modules of testdata/modules
//	$CACHE     Breakwater's cache directory
//	GOSUMDB    the test proxy's checksum database
//
// Their commands:
//
//	origin up|hang|STATUS   how the test proxy behaves from now on
//	origin lie SUFFIX       it garbles files whose key ends so
//	asked N SUFFIX          it was asked N times for such keys since the start or 'forget'
//	forget                  count from zero
//	restart [offline]       Breakwater starts anew on the same cache directory
//	emptymodcache           GOMODCACHE and what the go command knows of checksums are new
//	policy ...              Breakwater is under a policy from now on (policyscript_test.go)
func TestScripts(t *testing.T) {
	goRoot, err := exec.Command("go", "env", "GOROOT", "GOCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(goRoot), "\n")
	testscript.Run(t, testscript.Params{
		Dir: "../testdata/script",
		Setup: func(env *testscript.Env) error {
			env.Vars = append(env.Vars, "GOROOT="+lines[0], "GOCACHE="+lines[1])
			return newStage(t, env)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"origin":        cmdOrigin,
			"asked":         cmdAsked,
			"forget":        func(ts *testscript.TestScript, _ bool, _ []string) { stageOf(ts).origin.Asked() },
			"restart":       cmdRestart,
			"emptymodcache": cmdEmptyModCache,
			"policy":        cmdPolicy,
		},
	})
}

// stage is what a script plays on.
type stage struct {
	origin    *origin.Origin
	originURL string
	cacheDir  string
	client    *fetch.Client
	proxy     *httptest.Server
	handler   atomic.Pointer[http.Handler]
}

func newStage(t *testing.T, env *testscript.Env) error {
	s := &stage{origin: newOrigin(t), cacheDir: filepath.Join(env.WorkDir, "cache")}
	originServer := httptest.NewServer(s.origin)
	s.originURL = originServer.URL
	if err := s.start(false); err != nil {
		return err
	}
	s.proxy = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { (*s.handler.Load()).ServeHTTP(w, r) }))
	env.Values["stage"] = s
	env.Defer(func() {
		s.proxy.Close()
		s.client.Close()
		originServer.CloseClientConnections()
		originServer.Close()
	})
	env.Vars = append(env.Vars,
		"PROXY="+s.proxy.URL,
		"ORIGIN="+s.originURL,
		"CACHE="+s.cacheDir,
		"GOPROXY="+s.proxy.URL,
		"GOSUMDB="+s.origin.VerifierKey,
		"GOPATH="+filepath.Join(env.WorkDir, "gopath"),
		"GOMODCACHE="+filepath.Join(env.WorkDir, "modcache"),
		"GOENV=off",
		"GOFLAGS=-modcacherw",
		"GOTOOLCHAIN=local",
		"GOWORK=off",
		"GOTELEMETRY=off",
	)
	return nil
}

func (s *stage) start(offline bool) error {
	client, err := fetch.New(&fetch.Options{
		Go:       &fetch.GoSettings{GOPROXY: s.originURL, GOSUMDB: s.origin.VerifierKey},
		CacheDir: s.cacheDir,
		Offline:  offline,
		HTTP:     &upstream.HTTPOptions{FirstByteTimeout: 500 * time.Millisecond, ConnectTimeout: -1, TLSTimeout: -1},
		Retry:    &breaker.RetryOptions{Tries: 1},
	})
	if err != nil {
		return err
	}
	handler := fetch.NewHandler(client, nil)
	s.client = client
	s.handler.Store(&handler)
	return nil
}

func stageOf(ts *testscript.TestScript) *stage { return ts.Value("stage").(*stage) }

func cmdOrigin(ts *testscript.TestScript, _ bool, args []string) {
	o := stageOf(ts).origin
	switch args[0] {
	case "up":
		o.Fail(nil)
	case "hang":
		o.Fail(origin.Hang)
	case "lie":
		o.Fail(lie(o, args[1]))
	default:
		code, err := strconv.Atoi(args[0])
		ts.Check(err)
		o.Fail(origin.Status(code))
	}
}

// lie serves well-formed files that are not the true ones.
func lie(o *origin.Origin, suffix string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, suffix) {
			return false
		}
		w.Write(append(o.File(r.URL.Path[1:]), "// changed on the way\n"...))
		return true
	}
}

func cmdAsked(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	if got := stageOf(ts).origin.AskedFor(args[1]); got != want {
		ts.Fatalf("the origin was asked %d times for keys ending in %q, want %d", got, args[1], want)
	}
}

func cmdRestart(ts *testscript.TestScript, _ bool, args []string) {
	s := stageOf(ts)
	ts.Check(s.client.Close())
	ts.Check(s.start(len(args) > 0))
}

func cmdEmptyModCache(ts *testscript.TestScript, _ bool, _ []string) {
	for _, name := range []string{"GOMODCACHE", "GOPATH"} {
		if err := os.RemoveAll(ts.Getenv(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			ts.Fatalf("%v", err)
		}
	}
}
