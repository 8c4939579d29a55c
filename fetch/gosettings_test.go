package fetch

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// isolate gives the test an environment of its own, with the given go/env file.
func isolate(t *testing.T, envFile string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "env")
	if err := os.WriteFile(file, []byte(envFile), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, name := range settingNames {
		t.Setenv(name, "")
	}
	t.Setenv("GOENV", file)
	t.Setenv("GOFLAGS", "")
}

var settingsTests = []struct {
	name    string
	envFile string
	environ map[string]string
	want    GoSettings
}{
	{
		name:    "go env -w counts",
		envFile: "GOPROXY=https://proxy.example,direct\nGONOSUMDB=a.example\n",
		want:    GoSettings{GOPROXY: "https://proxy.example,direct", GONOSUMDB: "a.example", GOSUMDB: "sum.golang.org", GOAUTH: "netrc"},
	},
	{
		name:    "the environment wins",
		envFile: "GOPROXY=https://proxy.example\n",
		environ: map[string]string{"GOPROXY": "off", "GOSUMDB": "off"},
		want:    GoSettings{GOPROXY: "off", GOSUMDB: "off", GOAUTH: "netrc"},
	},
	{
		name:    "GOPRIVATE is the default of two others",
		envFile: "GOPROXY=off\nGOPRIVATE=corp.example\n",
		environ: map[string]string{"GONOPROXY": "none"},
		want:    GoSettings{GOPROXY: "off", GONOPROXY: "none", GONOSUMDB: "corp.example", GOSUMDB: "sum.golang.org", GOPRIVATE: "corp.example", GOAUTH: "netrc"},
	},
	{
		name:    "what version control goes by",
		envFile: "GOPROXY=direct\nGOVCS=public:off\nGOINSECURE=in.example\nGOAUTH=git /src\n",
		want:    GoSettings{GOPROXY: "direct", GOSUMDB: "sum.golang.org", GOVCS: "public:off", GOINSECURE: "in.example", GOAUTH: "git /src"},
	},
}

func TestReadGoSettings(t *testing.T) {
	goCommand, err := exec.LookPath("go")
	if err != nil {
		t.Fatal(err)
	}
	paths := map[string]string{
		"of the go command":    filepath.Dir(goCommand),
		"without a go command": t.TempDir(),
	}
	for where, path := range paths {
		for _, tt := range settingsTests {
			t.Run(where+"/"+tt.name, func(t *testing.T) {
				isolate(t, tt.envFile)
				t.Setenv("PATH", path)
				for name, value := range tt.environ {
					t.Setenv(name, value)
				}
				got, err := ReadGoSettings(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("settings (-want +got):\n%s", diff)
				}
			})
		}
	}
}

func TestReadGoSettingsFails(t *testing.T) {
	t.Run("no GOPROXY to be found", func(t *testing.T) {
		isolate(t, "GOSUMDB=off\n")
		t.Setenv("PATH", t.TempDir())
		if got, err := ReadGoSettings(t.Context()); err == nil {
			t.Errorf("got %+v", got)
		}
		if c, err := New(&Options{CacheDir: t.TempDir()}); err == nil {
			c.Close()
			t.Error("New succeeded")
		}
		c, err := New(&Options{CacheDir: t.TempDir(), Offline: true})
		if err != nil {
			t.Fatalf("an offline Client needs no GOPROXY: %v", err)
		}
		c.Close()
		c, err = New(&Options{CacheDir: t.TempDir(), Offline: true, Go: &GoSettings{}})
		if err != nil {
			t.Fatalf("nor with settings of one's own: %v", err)
		}
		c.Close()
	})
	t.Run("the go command fails", func(t *testing.T) {
		isolate(t, "GOPROXY=off\n")
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "go"), []byte("#!/bin/sh\necho no such flag >&2; exit 2\n"), 0o777); err != nil {
			t.Fatal(err)
		}
		t.Setenv("PATH", dir)
		if got, err := ReadGoSettings(t.Context()); err == nil || !strings.Contains(err.Error(), "no such flag") {
			t.Errorf("got %+v, %v", got, err)
		}
	})
}

// A go.mod or go.work around us must not make the go command fetch a toolchain.
func TestReadGoSettingsIgnoresTheModuleAround(t *testing.T) {
	isolate(t, "GOPROXY=off\n")
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module m\n\ngo 1.999\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	t.Setenv("GOTOOLCHAIN", "auto")
	if _, err := ReadGoSettings(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestNewRefusesBadOptions(t *testing.T) {
	tests := map[string]Options{
		"a bad GOPROXY":            {Go: &GoSettings{GOPROXY: "ftp://proxy.example"}},
		"credentials in the clear": {Go: &GoSettings{GOPROXY: "http://user:secret@proxy.example"}},
		"a cache that is a file":   {Go: &GoSettings{GOPROXY: "off"}, CacheDir: "gosettings_test.go"},
		"a list without entries":   {Go: &GoSettings{GOPROXY: ","}},
		"a malformed pattern":      {Go: &GoSettings{GOPROXY: "off", GONOPROXY: "corp.example/["}},
		"a pattern with a space":   {Go: &GoSettings{GOPROXY: "off", GONOSUMDB: "a.example, b.example"}},
		"settings with no sources": {Go: &GoSettings{}},
	}
	for name, opts := range tests {
		if opts.CacheDir == "" {
			opts.CacheDir = t.TempDir()
		}
		if c, err := New(&opts); err == nil {
			c.Close()
			t.Errorf("%s: New succeeded", name)
		}
	}
}

// What is fetched with credentials is what is private; a GONOPROXY for everything
// says nothing of that.
func TestCredentialPatterns(t *testing.T) {
	for _, tt := range []struct{ private, noProxy, want string }{
		{"", "", ""},
		{"corp.example", "", "corp.example"},
		{"", "corp.example", "corp.example"},
		{"corp.example", "git.example", "corp.example,git.example"},
		{"corp.example", "*", "corp.example"},
		{"", "*", ""},
	} {
		if got := (GoSettings{GOPRIVATE: tt.private, GONOPROXY: tt.noProxy}).credentialPatterns(); got != tt.want {
			t.Errorf("GOPRIVATE=%q GONOPROXY=%q: %q, want %q", tt.private, tt.noProxy, got, tt.want)
		}
	}
}
