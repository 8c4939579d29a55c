package gocmd_test

import (
	"errors"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/upstream/gocmd"
	"github.com/google/go-cmp/cmp"
)

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	write(t, file, "no certificate")
	for name, opts := range map[string]gocmd.Options{
		"gocmd.Options.Go":               {Go: "no-such-go-command"},
		"Dir":                            {Dir: filepath.Join(file, "none")},
		"not a directory":                {Dir: file},
		"Private":                        {Private: "a,[b"},
		"Insecure":                       {Insecure: "a, b"},
		"VCS: \"git\"":                   {VCS: "git"},
		"VCS: module":                    {VCS: "[:git"},
		"\"off\" stands alone":           {VCS: "*:git|off"},
		"\"a.b:\": a version control":    {VCS: "a.b:"},
		"\"*:git|\": a version control":  {VCS: "*:git|"},
		"\"\" is not pattern:list":       {VCS: "*:git,"},
		"a rule for that pattern before": {VCS: "private:git,private:off"},
		"RootCAs: open":                  {RootCAs: file + "-none"},
		"no certificate":                 {RootCAs: file},
		"neither host nor host:port":     {Hosts: []string{"https://git.corp.example"}},
		"\"\" is neither":                {Hosts: []string{""}},
		"\"x; rm\" is not a host name":   {SSHHosts: []string{"x; rm"}},
		"\"git@x\" is not a host name":   {SSHHosts: []string{"git@x"}},
		"\"-oProxy\" is not a host name": {SSHHosts: []string{"-oProxy"}},
	} {
		if opts.Dir == "" {
			opts.Dir = t.TempDir()
		}
		s, err := gocmd.New(&opts)
		if err == nil {
			s.Close()
			t.Errorf("%q: New accepts %+v", name, opts)
			continue
		}
		if !strings.Contains(err.Error(), name) {
			t.Errorf("the error is %v, want it to say %q", err, name)
		}
		if errors.Is(err, gocmd.ErrNoCommand) != (name == "gocmd.Options.Go") {
			t.Errorf("errors.Is(%v, ErrNoCommand) is %v", err, errors.Is(err, gocmd.ErrNoCommand))
		}
	}
}

// TestNoGit has nothing in PATH, so it cannot be parallel.
func TestNoGit(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	for _, command := range []string{"", "go"} {
		if _, err := gocmd.New(&gocmd.Options{Go: command, Dir: t.TempDir()}); !errors.Is(err, gocmd.ErrNoCommand) {
			t.Errorf("the error is %v, want ErrNoCommand", err)
		}
	}
}

func TestCloseTwice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.source(t, nil)
	for range 2 {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestUserDefaults: without options, credentials are the user's own. It sets
// variables of its own process, so it is not parallel.
func TestUserDefaults(t *testing.T) {
	w := newWorld(t)
	w.populate(t)
	home := t.TempDir()
	write(t, home+"/.netrc", read(t, w.netrc))
	write(t, home+"/.gitconfig", "[url \"https://git.corp.example/private/\"]\n\tinsteadOf = https://old.corp.example/\n")
	w.page("go.corp.example/secret", "go.corp.example/secret git https://old.corp.example/secret")
	list := request(t, upstream.List, "go.corp.example/secret", "")
	ours := func(o *gocmd.Options) { o.Netrc, o.GitConfig = "", "" }
	for name, env := range map[string][3]string{
		"files in the home directory": {home, "", ""},
		"files in variables":          {t.TempDir(), home + "/.netrc", home + "/.gitconfig"},
	} {
		t.Run(name, func(t *testing.T) {
			for i, variable := range []string{"HOME", "NETRC", "GIT_CONFIG_GLOBAL"} {
				t.Setenv(variable, env[i])
			}
			if got := mustGet(t, w.source(t, ours), list); got != "v1.0.0\n" {
				t.Errorf("the list is %q", got)
			}
		})
	}
}

// environment is the whole of what a go command finds for a module that is not
// private: names, and what does not differ from run to run.
var environment = []string{
	"AppData", "GIT_ALLOW_PROTOCOL=https", "GIT_ASKPASS=", "GIT_ATTR_NOSYSTEM=1", "GIT_CEILING_DIRECTORIES", "GIT_CONFIG_COUNT=17", "GIT_CONFIG_GLOBAL=/dev/null",
	"GIT_CONFIG_KEY_0=http.proxy", "GIT_CONFIG_KEY_1=http.proxyAuthMethod", "GIT_CONFIG_KEY_2=protocol.ext.allow",
	"GIT_CONFIG_KEY_3=protocol.file.allow", "GIT_CONFIG_KEY_4=gc.auto", "GIT_CONFIG_KEY_5=maintenance.auto",
	"GIT_CONFIG_KEY_6=core.fsmonitor", "GIT_CONFIG_KEY_7=core.hooksPath", "GIT_CONFIG_KEY_8=safe.directory",
	"GIT_CONFIG_KEY_9=fetch.unpackLimit", "GIT_CONFIG_KEY_10=transfer.unpackLimit", "GIT_CONFIG_KEY_11=filter.lfs.process", "GIT_CONFIG_KEY_12=filter.lfs.smudge",
	"GIT_CONFIG_KEY_13=filter.lfs.clean", "GIT_CONFIG_KEY_14=filter.lfs.required", "GIT_CONFIG_KEY_15=credential.helper", "GIT_CONFIG_KEY_16=http.emptyAuth", "GIT_CONFIG_NOSYSTEM=1",
	"GIT_CONFIG_VALUE_0", "GIT_CONFIG_VALUE_1=basic", "GIT_CONFIG_VALUE_2=never", "GIT_CONFIG_VALUE_3=never", "GIT_CONFIG_VALUE_4=0",
	"GIT_CONFIG_VALUE_5=false", "GIT_CONFIG_VALUE_6=false", "GIT_CONFIG_VALUE_7=/dev/null", "GIT_CONFIG_VALUE_8=*",
	"GIT_CONFIG_VALUE_9=1", "GIT_CONFIG_VALUE_10=1", "GIT_CONFIG_VALUE_11=", "GIT_CONFIG_VALUE_12=", "GIT_CONFIG_VALUE_13=", "GIT_CONFIG_VALUE_14=false",
	"GIT_CONFIG_VALUE_15=", "GIT_CONFIG_VALUE_16=false",
	"GIT_SSH_COMMAND=false", "GIT_SSH_VARIANT=ssh", "GIT_SSL_CAINFO", "GIT_TERMINAL_PROMPT=0", "GIT_TRACE2_EVENT", "GIT_TRACE2_EVENT_BRIEF=1",
	"GIT_TRACE_CURL", "GIT_TRACE_CURL_NO_DATA=1", "GIT_TRACE_REDACT=1", "GCM_INTERACTIVE=never",
	"GO111MODULE=on", "GOAUTH=off", "GOCACHE", "GOENV=off", "GOFLAGS=-modcacherw", "GOINSECURE=*", "GOMODCACHE", "GONOPROXY=none", "GONOSUMDB=none",
	"GOPATH", "GOPRIVATE=git.corp.example", "GOPROXY=direct", "GOSUMDB=off", "GOTMPDIR=", "GOTOOLCHAIN=local", "GOVCS=public:git,private:git,*:git", "GOWORK=off",
	"HOME", "HTTPS_PROXY", "HTTP_PROXY", "LC_ALL=C", "LocalAppData", "NO_PROXY=", "PATH", "SSH_ASKPASS=", "SSH_ASKPASS_REQUIRE=never",
	"TEMP", "TMP", "TMPDIR", "USERPROFILE", "all_proxy", "http_proxy", "https_proxy", "no_proxy=",
}

// environmentOf is what a go command finds for a private module: credentials.
func environmentOf(config string) []string {
	all := slices.DeleteFunc(slices.Clone(environment), func(line string) bool {
		return regexp.MustCompile(`_(15|16)=|^GIT_CONFIG_(COUNT|GLOBAL)|^GIT_SSH_COMMAND|^GIT_ALLOW_PROTOCOL`).MatchString(line)
	})
	return append(all, "GIT_ALLOW_PROTOCOL=https:ssh:git+ssh", "GIT_CONFIG_COUNT=15", "GIT_CONFIG_GLOBAL="+config, "GIT_SSH_COMMAND", "SSH_AUTH_SOCK=/run/agent")
}

// TestEnvironment sets variables of its own process, so it is not parallel.
func TestEnvironment(t *testing.T) {
	for _, name := range []string{"GOFLAGS", "GOPROXY", "GONOSUMDB", "GIT_DIR", "GIT_SSH", "NO_PROXY", "HTTPS_PROXY", "GIT_CONFIG_PARAMETERS", "MY_TOKEN", "DISPLAY", "GOROOT"} {
		t.Setenv(name, "-inherited")
	}
	for _, name := range []string{"SSL_CERT_FILE", "SSL_CERT_DIR", "LD_LIBRARY_PATH"} {
		t.Setenv(name, "") // to be restored
		os.Unsetenv(name)
	}
	w := newWorld(t)
	dir := t.TempDir()
	command := filepath.Join(dir, "go")
	write(t, command, "#!/bin/sh\nenv >"+dir+"/env\npwd >"+dir+"/pwd\n")
	if err := os.Chmod(command, 0o755); err != nil {
		t.Fatal(err)
	}
	s := w.source(t, func(o *gocmd.Options) {
		o.Go, o.SSHAuthSock, o.VCS = command, "/run/agent", "public:git|hg,private:all"
		o.Private, o.GitConfig, o.SSHHosts = gitHost, dir+"/gitconfig", []string{gitHost}
	})
	for module, want := range map[string][]string{
		"go.corp.example/lib": environment, "git.corp.example/lib.git": environmentOf(dir + "/gitconfig"),
	} {
		s.Fetch(t.Context(), request(t, upstream.List, module, ""))
		t.Run(module, func(t *testing.T) { testEnvironment(t, w, dir, want) })
	}
}

func testEnvironment(t *testing.T, w *world, dir string, want []string) {
	var got []string
	values := map[string]string{}
	for line := range strings.Lines(read(t, dir+"/env")) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		if slices.Contains([]string{"PWD", "OLDPWD", "SHLVL", "_"}, name) {
			continue // of the shell
		}
		values[name] = value
		if line = strings.TrimSuffix(line, "\n"); !slices.Contains(want, line) {
			line = name
		}
		got = append(got, line)
	}
	slices.Sort(got)
	want = slices.Sorted(slices.Values(want))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the environment (-want +got):\n%s", diff)
	}
	if pwd := strings.TrimSpace(read(t, dir+"/pwd")); pwd != "/" {
		t.Errorf("the current directory is %s: a go.mod file above it would be the main module", pwd)
	}
	if values["PATH"] != os.Getenv("PATH") {
		t.Errorf("PATH is %q", values["PATH"])
	}
	isProxy := regexp.MustCompile(`^http://(go|git):[A-Z2-7]{26}@127\.0\.0\.1:[0-9]+$`)
	for name, user := range map[string]string{"HTTPS_PROXY": "go", "HTTP_PROXY": "go", "https_proxy": "git", "http_proxy": "git", "GIT_CONFIG_VALUE_0": "git"} {
		if m := isProxy.FindStringSubmatch(values[name]); m == nil || m[1] != user {
			t.Errorf("%s is %q", name, values[name])
		}
	}
	t.Run("the proxy is of no use to others", func(t *testing.T) { testStrangers(t, w, values["https_proxy"]) })
}

// testStrangers uses the proxy with a token that has expired, and with none.
func testStrangers(t *testing.T, w *world, address string) {
	expired, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	anonymous := *expired
	anonymous.User = nil
	for _, proxy := range []*url.URL{expired, &anonymous} {
		client := &http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(proxy), DisableKeepAlives: true}}
		if resp, err := client.Get("http://go.corp.example/lib?go-get=1"); err != nil || resp.StatusCode != http.StatusProxyAuthRequired {
			t.Errorf("http: %v, %v, want status 407", resp, err)
		}
		if resp, err := client.Get("https://go.corp.example/lib?go-get=1"); err == nil {
			t.Errorf("https: %v, want no tunnel", resp.Status)
		}
	}
	if asked := w.requests(); len(asked) > 0 {
		t.Errorf("hosts were asked: %q", asked)
	}
}
