package auth_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	stdlog "log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/upstream/auth"
	"github.com/google/go-cmp/cmp"
)

const (
	alice = "Basic YWxpY2U6c2VjcmV0MQ==" // alice:secret1
	bob   = "Basic Ym9iOnNlY3JldDI="     // bob:secret2
)

// What the go command sends, we send. $HOST is the server's host and port, $AT
// is $HOST and the path of the proxy, $DIR the directory of the case's files.
var oracleTests = []struct {
	name   string
	goauth string
	user   string // information in the proxy's URL
	files  map[string]string
	status int // of a refusal; 0 for 401
	accept string
	want   []string // Authorization of each request for the file, repeats of the same left out
}{
	{name: "nothing", want: []string{""}},
	{name: "user information", user: "alice:secret1@", want: []string{alice}},
	{name: "netrc", files: netrc("machine $HOST login alice password secret1"), want: []string{alice}},
	{name: "netrc by name", goauth: "netrc", files: netrc("machine $HOST\n login alice\n password secret1"), want: []string{alice}},
	{name: "off", goauth: "off", files: netrc("machine $HOST login alice password secret1"), want: []string{""}},
	{name: "user information is more than netrc", user: "alice:secret1@", files: netrc("machine $HOST login bob password secret2"), want: []string{alice}},
	{name: "netrc without the port", files: netrc("machine 127.0.0.1 login alice password secret1"), want: []string{""}},
	{name: "netrc of another host", files: netrc("machine proxy.example login alice password secret1"), want: []string{""}},
	{name: "netrc, the first of two", files: netrc("machine $HOST login alice password secret1\nmachine $HOST login bob password secret2"), want: []string{alice}},
	{name: "netrc with a path", files: netrc("machine $HOST login bob password secret2\nmachine $AT/example.com login alice password secret1"), want: []string{alice}},
	{name: "netrc with a URL", files: netrc("machine https://$HOST/ login alice password secret1"), want: []string{alice}},
	{name: "netrc, path of a sibling", files: netrc("machine $AT/example.co login alice password secret1"), want: []string{""}},
	{name: "netrc with a default", files: netrc("default login alice password secret1\n"), want: []string{""}},
	{name: "netrc behind a default", files: netrc("default login bob password secret2\nmachine $HOST login alice password secret1\n"), want: []string{alice}},
	{name: "netrc behind a lone default", files: netrc("default\nmachine $HOST login alice password secret1\n"), want: []string{""}},
	{name: "netrc in a macro", files: netrc("macdef init\nmachine $HOST login alice password secret1\n\n"), want: []string{""}},
	{name: "netrc behind a macro", files: netrc("macdef init\nmachine $HOST login bob password secret2\n\nmachine $HOST login alice password secret1\n"), want: []string{alice}},
	{name: "netrc, an account between", files: netrc("machine $HOST account x login alice password secret1"), want: []string{alice}},
	{name: "netrc, password first", files: netrc("machine $HOST password secret1 login alice"), want: []string{alice}},
	{name: "netrc, login before machine", files: netrc("login bob machine $HOST login alice password secret1"), want: []string{alice}},
	{name: "netrc, a word too many", files: netrc("machine $HOST login alice password secret1 x\n"), want: []string{alice}},
	{name: "netrc, a machine that is not complete", files: netrc("machine other.example login alice machine $HOST password secret1"), want: []string{""}},
	{name: "netrc, words that do not pair", files: netrc("x machine $HOST login alice password secret1"), want: []string{""}},
	{name: "netrc without a password", files: netrc("machine $HOST login alice\nmachine other.example password secret1"), want: []string{""}},
	{name: "netrc with carriage returns", files: netrc("machine $HOST\r\nlogin alice\r\npassword secret1\r\n"), want: []string{alice}},
	{name: "netrc with quotes", files: netrc("machine \"$HOST\" login alice password secret1"), want: []string{""}},
	{name: "no netrc", goauth: "netrc", want: []string{""}},
	{name: "command", goauth: "sh $DIR/cmd", files: cmd(`printf 'https://$HOST\n\nAuthorization: ` + alice + `\n\n'`), want: []string{alice}},
	{name: "command with quotes", goauth: `sh  "$DIR/c md"`, files: map[string]string{"c md": `printf 'https://$HOST\n\nAuthorization: ` + alice + `\n\n'`}, want: []string{alice}},
	{name: "command that wants a URL", goauth: "sh $DIR/cmd", want: []string{"", alice},
		files: cmd(`test -n "$1" && printf "$1"'\n\nAuthorization: ` + alice + `\n\n'`)},
	{name: "command, hidden by 404", goauth: "sh $DIR/cmd", want: []string{"", alice}, status: 404,
		files: cmd(`test -z "$1" || printf 'https://$AT\n\nAuthorization: ` + alice + `\n\n'`)},
	{name: "command that gives another token after a refusal", goauth: "sh $DIR/cmd", want: []string{bob, alice}, accept: alice,
		files: cmd(`a="` + alice + `"; test -z "$1" && a="` + bob + `"; printf 'https://$HOST/\n\nAuthorization: '"$a"'\n\n'`)},
	{name: "command that reads the response", goauth: "sh $DIR/cmd", want: []string{"", "Bearer HTTP/1.1-401-yes"},
		files: cmd(`test -z "$1" && exit; read proto code text; while read line; do case "$line" in X-Hint:*) h="${line#X-Hint: }";; esac; done
			printf 'https://$HOST\n\nAuthorization: Bearer '"$proto-$code-$h"'\n\n'`)},
	{name: "command that fails", goauth: "sh $DIR/cmd", files: cmd("exit 3"), want: []string{""}},
	{name: "command, path of a sibling", goauth: "sh $DIR/cmd", files: cmd(`printf 'https://$AT/example.co\n\nAuthorization: ` + alice + `\n\n'`), want: []string{""}},
	{name: "command, longest prefix", goauth: "sh $DIR/cmd", want: []string{alice},
		files: cmd(`printf 'https://$AT/example.com/m/\n\nAuthorization: ` + alice + `\n\nhttps://$AT\nhttps://$HOST\n\nAuthorization: ` + bob + `\n\n'`)},
	{name: "command, the second of two", goauth: "sh $DIR/cmd", want: []string{alice},
		files: cmd(`printf 'https://$HOST\n\nAuthorization: ` + bob + `\n\nhttps://$HOST\n\nAuthorization: ` + alice + `\n\n'`)},
	{name: "command, output cut short", goauth: "sh $DIR/cmd", files: cmd(`printf 'https://$HOST\n\nAuthorization: ` + alice + `\n'`), want: []string{""}},
	{name: "command, no space behind the colon", goauth: "sh $DIR/cmd", files: cmd(`printf 'https://$HOST\n\nAuthorization:` + alice + `\n\n'`), want: []string{""}},
	{name: "command, carriage returns", goauth: "sh $DIR/cmd", files: cmd(`printf 'https://$HOST\r\n\r\nAuthorization: ` + alice + `\r\n\r\n'`), want: []string{""}},
	{name: "command, http", goauth: "sh $DIR/cmd", files: cmd(`printf 'http://$HOST\n\nAuthorization: ` + alice + `\n\n'`), want: []string{""}},
	{name: "netrc before command", goauth: "netrc; sh $DIR/cmd", want: []string{bob}, files: map[string]string{
		"netrc": "machine $HOST login bob password secret2", "cmd": `printf 'https://$HOST\n\nAuthorization: ` + alice + `\n\n'`}},
	{name: "command before netrc", goauth: "sh $DIR/cmd;netrc", want: []string{alice}, files: map[string]string{
		"netrc": "machine $HOST login bob password secret2", "cmd": `printf 'https://$HOST\n\nAuthorization: ` + alice + `\n\n'`}},
	{name: "netrc before command with a longer prefix", goauth: "netrc; sh $DIR/cmd", want: []string{alice}, files: map[string]string{
		"netrc": "machine $HOST login bob password secret2", "cmd": `printf 'https://$AT/example.com\n\nAuthorization: ` + alice + `\n\n'`}},
	{name: "command that fails before netrc", goauth: "sh $DIR/cmd; netrc", want: []string{bob}, files: map[string]string{
		"netrc": "machine $HOST login bob password secret2", "cmd": `exit 1`}},
	{name: "command that withdraws", goauth: "sh $DIR/cmd; netrc", want: []string{""}, files: map[string]string{
		"netrc": "machine $HOST login bob password secret2", "cmd": `printf 'https://$HOST\n\n\n'`}},
	{name: "git", goauth: "git $DIR", want: []string{"", alice}, files: map[string]string{
		".git/config": "[credential]\nhelper = \"!f() { echo username=alice; echo password=secret1; }; f\"\n"}},
	{name: "git by path", goauth: "git $DIR", want: []string{"", alice}, files: map[string]string{
		".git/config": "[credential]\nuseHttpPath = true\nhelper = \"!f() { echo username=alice; echo password=secret1; }; f\"\n"}},
	{name: "git that has none", goauth: "git $DIR", want: []string{""}, files: map[string]string{".git/config": ""}},
	{name: "git before netrc", goauth: "git $DIR;netrc", want: []string{bob, alice}, accept: alice, files: map[string]string{
		"netrc":       "machine $HOST login bob password secret2",
		".git/config": "[credential]\nhelper = \"!f() { echo username=alice; echo password=secret1; }; f\"\n"}},
}

func netrc(content string) map[string]string { return map[string]string{"netrc": content} }
func cmd(content string) map[string]string   { return map[string]string{"cmd": content} }

// guardian is a module proxy that wants to know who asks, and remembers what it
// was told, by the first element of the path.
type guardian struct {
	mu   sync.Mutex
	told map[string][]string
}

func (g *guardian) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	home, path, _ := strings.Cut(r.URL.Path[1:], "/")
	i, _ := strconv.Atoi(strings.TrimPrefix(strings.TrimPrefix(home, "go"), "we"))
	if path != "example.com/m/@v/v1.0.0.info" || i >= len(oracleTests) {
		http.NotFound(w, r)
		return
	}
	g.mu.Lock()
	g.told[home] = append(g.told[home], r.Header.Get("Authorization"))
	g.mu.Unlock()
	test := oracleTests[i]
	if sent := r.Header.Get("Authorization"); sent == "" || test.accept != "" && sent != test.accept {
		w.Header().Set("X-Hint", "yes")
		http.Error(w, "who are you?", max(test.status, http.StatusUnauthorized))
		return
	}
	io.WriteString(w, `{"Version":"v1.0.0"}`)
}

func (g *guardian) heard(home string) []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Compact(slices.Clone(g.told[home]))
}

func TestGoCommandIsOracle(t *testing.T) {
	if runtime.GOOS == "windows" || testing.Short() {
		t.Skip("runs many go commands and shell scripts")
	}
	for _, tool := range []string{"go", "git", "sh"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip(err)
		}
	}
	guard := &guardian{told: map[string][]string{}}
	server := httptest.NewUnstartedServer(guard)
	server.Config.ErrorLog = stdlog.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	write(t, ca, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})))
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	for i, test := range oracleTests {
		t.Run(test.name, func(t *testing.T) {
			theirs, ours := "go"+strconv.Itoa(i), "we"+strconv.Itoa(i)
			fill := func(home string) (dir, goauth, proxy string) {
				dir = t.TempDir()
				host := strings.TrimPrefix(server.URL, "https://")
				r := strings.NewReplacer("$HOST", host, "$AT", host+"/"+home, "$DIR", dir)
				for name, content := range test.files {
					write(t, filepath.Join(dir, name), r.Replace(content))
				}
				if _, ok := test.files[".git/config"]; ok {
					makeRepository(t, dir)
				}
				return dir, r.Replace(test.goauth), "https://" + test.user + host + "/" + home
			}
			dir, goauth, proxy := fill(theirs)
			runGo(t, dir, ca, goauth, proxy)
			if diff := cmp.Diff(test.want, guard.heard(theirs)); diff != "" {
				t.Errorf("the go command sent (-want +got):\n%s", diff)
			}
			dir, goauth, proxy = fill(ours)
			creds, err := auth.New(goauth, &auth.Options{Netrc: filepath.Join(dir, "netrc"), Env: environment(dir)})
			if err != nil {
				t.Fatal(err)
			}
			fetchInfo(t.Context(), t, proxy, &upstream.HTTPOptions{TLS: &tls.Config{RootCAs: roots}, Credentials: creds})
			if diff := cmp.Diff(test.want, guard.heard(ours)); diff != "" {
				t.Errorf("we sent (-want +got):\n%s", diff)
			}
		})
	}
}

func fetchInfo(ctx context.Context, t testing.TB, proxy string, opts *upstream.HTTPOptions) error {
	t.Helper()
	src, err := upstream.NewHTTP(proxy, opts)
	if err != nil {
		t.Fatal(err)
	}
	defer src.(interface{ CloseIdleConnections() }).CloseIdleConnections()
	req, err := upstream.ParsePath("/example.com/m/@v/v1.0.0.info")
	if err != nil {
		t.Fatal(err)
	}
	resp, err := src.Fetch(ctx, req)
	if err == nil {
		resp.Body.Close()
	}
	return err
}

// environment has nothing of the user's in it that commands would heed.
func environment(home string) []string {
	return []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=" + os.DevNull, "GIT_TERMINAL_PROMPT=0"}
}

func runGo(t *testing.T, dir, ca, goauth, proxy string) {
	t.Helper()
	// Its telemetry would write into the home directory while that is removed.
	for _, config := range []string{"config", "Library/Application Support"} {
		write(t, filepath.Join(dir, config, "go", "telemetry", "mode"), "off")
	}
	cmd := exec.CommandContext(t.Context(), "go", "list", "-m", "example.com/m@v1.0.0")
	cmd.Dir = t.TempDir()
	cmd.Env = append(environment(dir), "SSL_CERT_FILE="+ca, "NETRC="+filepath.Join(dir, "netrc"), "GOAUTH="+goauth, "GOPROXY="+proxy,
		"XDG_CONFIG_HOME="+filepath.Join(dir, "config"),
		"GOENV=off", "GOSUMDB=off", "GOTOOLCHAIN=local", "GOWORK=off", "GOFLAGS=-modcacherw", "GOMODCACHE="+t.TempDir(), "GOCACHE="+t.TempDir())
	out, _ := cmd.CombinedOutput() // what it sent is what counts
	t.Logf("%s", out)
}

func makeRepository(t testing.TB, dir string) {
	t.Helper()
	for _, name := range []string{".git/objects", ".git/refs"} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	write(t, filepath.Join(dir, ".git/HEAD"), "ref: refs/heads/main\n")
}

func write(t testing.TB, name, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o666); err != nil {
		t.Fatal(err)
	}
}
