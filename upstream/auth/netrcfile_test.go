package auth_test

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/breakwater-go/breakwater/upstream"
	"github.com/breakwater-go/breakwater/upstream/auth"
)

func parseURL(t testing.TB, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// authorization returns what c sends with a request for u; "" for nothing, or
// the error.
func authorization(t testing.TB, c upstream.Credentials, u string) string {
	t.Helper()
	fields, err := c.Header(t.Context(), parseURL(t, u))
	if err != nil {
		return "error: " + err.Error()
	}
	return fields.Get("Authorization")
}

// refresh returns what c sends after sent was refused with the status 401.
func refresh(t testing.TB, c upstream.Credentials, u, sent string) string {
	t.Helper()
	return refreshAfter(t, c, http.StatusUnauthorized, u, sent)
}

func refreshAfter(t testing.TB, c upstream.Credentials, status int, u, sent string) string {
	t.Helper()
	header := http.Header{}
	if sent != "" {
		header.Set("Authorization", sent)
	}
	fields, err := c.(upstream.CredentialsRefresher).Refresh(t.Context(), parseURL(t, u), header,
		&http.Response{StatusCode: status, Header: http.Header{}, Body: http.NoBody})
	if err != nil {
		return "error: " + err.Error()
	}
	return fields.Get("Authorization")
}

func TestNetrcIsReadAgain(t *testing.T) {
	file := filepath.Join(t.TempDir(), "netrc")
	const line, at = "machine proxy.example login ", "https://proxy.example/x"
	steps := []struct {
		name string
		do   func() error
		want string // or the beginning of an error
	}{
		{"missing", func() error { return nil }, ""},
		{"made", func() error { return os.WriteFile(file, []byte(line+"alice password secret1"), 0o600) }, alice},
		{"changed", func() error { return os.WriteFile(file, []byte(line+"bob password secret2"), 0o600) }, bob},
		{"replaced", func() error {
			if err := os.WriteFile(file+".new", []byte(line+"alice password secret1"), 0o600); err != nil {
				return err
			}
			return os.Rename(file+".new", file)
		}, alice},
		{"emptied", func() error { return os.WriteFile(file, nil, 0o600) }, ""},
		{"large", func() error { return os.WriteFile(file, make([]byte, 1<<20+1), 0o600) }, "error: netrc: "},
		{"mended", func() error { return os.WriteFile(file, []byte(line+"bob password secret2"), 0o600) }, bob},
		{"removed", func() error { return os.Remove(file) }, ""},
		{"directory", func() error { return os.Mkdir(file, 0o700) }, "error: netrc: "},
		{"still a directory", func() error { return nil }, "error: netrc: "},
		{"no directory", func() error { return os.Remove(file) }, ""},
	}
	synctest.Test(t, func(t *testing.T) {
		c := auth.Netrc(file)
		for _, step := range steps {
			before := authorization(t, c, at)
			if err := step.do(); err != nil {
				t.Fatal(err)
			}
			if got := authorization(t, c, at); step.name != "missing" && got != before {
				t.Errorf("%s: looked at again at once: %q", step.name, got)
			}
			time.Sleep(time.Second)
			got := authorization(t, c, at)
			if ok := got == step.want || strings.HasPrefix(step.want, "error") && strings.HasPrefix(got, step.want) && strings.Contains(got, file); !ok {
				t.Errorf("%s: sent %q, want %q", step.name, got, step.want)
			}
		}
	})
}

// A refusal is a reason to look at the file at once, whatever its time says.
func TestNetrcAfterRefusal(t *testing.T) {
	file := filepath.Join(t.TempDir(), "netrc")
	at := "https://proxy.example/x"
	write(t, file, "machine proxy.example login bob   password secret2")
	c := auth.Netrc(file)
	if got := authorization(t, c, at); got != bob {
		t.Fatalf("sent %q", got)
	}
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	write(t, file, "machine proxy.example login alice password secret1")
	if err := os.Chtimes(file, time.Time{}, info.ModTime()); err != nil {
		t.Fatal(err)
	}
	if got := refresh(t, c, at, bob); got != alice {
		t.Errorf("after a refusal sent %q", got)
	}
	if got := refresh(t, c, at, alice); got != "" {
		t.Errorf("after another refusal sent %q", got)
	}
}

func TestNetrcUnreadable(t *testing.T) {
	file := filepath.Join(t.TempDir(), "netrc")
	write(t, file, "machine proxy.example login alice password secret1")
	if err := os.Chmod(file, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := os.ReadFile(file); err == nil {
		t.Skip("permissions do not hold here")
	}
	got := authorization(t, auth.Netrc(file), "https://proxy.example")
	if !strings.HasPrefix(got, "error: netrc: ") || !strings.Contains(got, file) {
		t.Errorf("sent %q", got)
	}
}

func TestNetrcOfTheUser(t *testing.T) {
	if runtime.GOOS == "windows" || runtime.GOOS == "plan9" {
		t.Skip("the home directory is elsewhere")
	}
	home := t.TempDir()
	write(t, filepath.Join(home, ".netrc"), "machine proxy.example login alice password secret1")
	write(t, filepath.Join(home, "other"), "machine proxy.example login bob password secret2")
	tests := []struct{ name, home, netrc, file, want string }{
		{"home", home, "", "", alice},
		{"variable", home, filepath.Join(home, "other"), "", bob},
		{"named", home, filepath.Join(home, "other"), filepath.Join(home, ".netrc"), alice},
		{"switched off", home, os.DevNull, "", ""},
		{"no home", "", "", "", ""},
		{"no home but the variable", "", filepath.Join(home, "other"), "", bob},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv("HOME", test.home)
			t.Setenv("NETRC", test.netrc)
			if got := authorization(t, auth.Netrc(test.file), "https://proxy.example"); got != test.want {
				t.Errorf("sent %q, want %q", got, test.want)
			}
		})
	}
}
