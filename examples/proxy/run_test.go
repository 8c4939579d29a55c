package main

import (
	"crypto/x509"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/breakwater-go/breakwater/examples/internal/fixture"
)

func TestMistakes(t *testing.T) {
	fixture.Settings(t, "off")
	occupied, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	defer occupied.Close()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		args string
		code int
		want string // in the one line on stderr
	}{
		{"-color", 2, "not defined: -color"},
		{"-offline=perhaps", 2, `invalid boolean value "perhaps"`},
		{"example.com/hello", 2, `unexpected argument "example.com/hello"`},
		{"-listen", 2, "flag needs an argument: -listen"},
		{"-listen 8080", 2, "-listen wants HOST:PORT"},
		{"-listen localhost", 2, "-listen wants HOST:PORT"},
		{"-listen localhost:70000", 2, "-listen wants HOST:PORT"},
		{"-memory 64MB", 2, "want a size such as 512KiB"},
		{"-memory -1", 2, "want a size"},
		{"-hosts modules.example:8080", 2, "want names or addresses, without port"},
		{"-hosts modules.example,", 2, "want names or addresses"},
		{"-hosts https://modules.example", 2, "want names or addresses"},
		{"-admin 8081", 2, "-admin wants HOST:PORT"},
		{"-admin-hosts proxy", 2, "-admin-hosts are names for -admin: give both"},
		{"-admin localhost:0 -admin-hosts proxy:8081", 2, "want names or addresses, without port"},
		{"-access-log yes", 2, "want one of text, json, off"},
		{"-log-format off", 2, "want one of text, json"},
		{"-log-level all", 2, "want debug, info, warn or error"},
		{"-tls-cert cert.pem", 2, "go together"},
		{"-tls-key key.pem", 2, "go together"},
		{"-tls-cert absent.pem -tls-key absent.pem", 1, "absent.pem: no such file or directory: check the files of -tls-cert and -tls-key"},
		{"-tls-cert " + file + " -tls-key " + file, 1, "check the files of -tls-cert and -tls-key"},
		{"-listen " + occupied.Addr().String(), 1, "address already in use: choose another address with -listen"},
		{"-listen 192.0.2.1:0", 1, "choose another address with -listen"},
		{"-listen localhost:0 -admin " + occupied.Addr().String(), 1, "address already in use: choose another address with -admin"},
		{"-audit " + filepath.Join(file, "below"), 1, "not a directory: choose another file with -audit"},
		{"-cache " + file, 1, "choose a directory that can be written with -cache"},
		{"-cache " + filepath.Join(file, "below"), 1, "not a directory: choose a directory"},
	} {
		t.Run(test.args, func(t *testing.T) {
			args := strings.Fields(test.args)
			if !strings.Contains(test.args, "-cache") {
				args = append([]string{"-cache", t.TempDir()}, args...)
			}
			wantOneLine(t, args, test.code, test.want)
		})
	}
}

func TestBadSettings(t *testing.T) {
	for _, test := range []struct{ goproxy, want string }{
		{"ftp://proxy.example", "invalid proxy URL scheme"},
		{",,", "GOPROXY list has no entries"},
		{"http://user:secret@proxy.example", "refusing to send credentials without encryption"},
	} {
		t.Run(test.goproxy, func(t *testing.T) {
			fixture.Settings(t, test.goproxy)
			wantOneLine(t, []string{"-listen", "localhost:0", "-cache", t.TempDir()}, 1, test.want)
		})
	}
}

func TestNoPlaceForTheCache(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the user's cache directory is found in another way")
	}
	fixture.Settings(t, "off")
	t.Setenv("HOME", "")
	t.Setenv("XDG_CACHE_HOME", "")
	wantOneLine(t, []string{"-listen", "localhost:0"}, 1, "choose a directory with -cache")
}

func wantOneLine(t *testing.T, args []string, code int, want string) {
	t.Helper()
	output := fixture.NewOutput()
	got := run(t.Context(), args, io.Discard, output)
	text := output.String()
	if got != code || !strings.HasPrefix(text, "breakwater: ") || strings.HasPrefix(text, "breakwater: breakwater") ||
		strings.Count(text, "\n") != 1 || !strings.Contains(text, want) || strings.Contains(text, "secret") {
		t.Errorf("exit code %d, want %d and one line with %q:\n%s", got, code, want, text)
	}
}

func TestHelp(t *testing.T) {
	output := fixture.NewOutput()
	if code := run(t.Context(), []string{"-h"}, io.Discard, output); code != 0 || output.String() != usage {
		t.Errorf("exit code %d\n%s", code, output)
	}
}

func TestSize(t *testing.T) {
	for text, want := range map[string]size{
		"off": 0, "0": 0, "0MiB": 0, "1": 1, "65536": 1 << 16,
		"512KiB": 512 << 10, "64MiB": 64 << 20, "1GiB": 1 << 30, "2TiB": 2 << 40,
		"9223372036854775807": 1<<63 - 1,
	} {
		var got size
		if err := got.Set(text); err != nil || got != want {
			t.Errorf("%q: %d, %v, want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "MiB", "64MB", "64M", "1.5GiB", "-1", "+1", "9223372036854775808", "8388608TiB", "off off", "0x10"} {
		var got size
		if err := got.Set(text); err == nil {
			t.Errorf("%q: %d, want an error", text, got)
		}
	}
}

func TestBaseURL(t *testing.T) {
	for address, want := range map[string]string{
		"localhost:0":       "http://localhost:4711",
		":8080":             "http://localhost:4711",
		"0.0.0.0:8080":      "http://localhost:4711",
		"[::]:8080":         "http://localhost:4711",
		"[::1]:8080":        "http://[::1]:4711",
		"127.0.0.1:http":    "http://127.0.0.1:4711",
		"modules.local:80":  "http://modules.local:4711",
		"[fe80::1%eth0]:80": "http://[fe80::1%25eth0]:4711",
	} {
		if got := baseURL(address, 4711, nil, nil); got != want {
			t.Errorf("%s: %s, want %s", address, got, want)
		}
	}
}

func TestBaseURLByName(t *testing.T) {
	for address, want := range map[string]string{
		"localhost:8080":   "http://localhost:4711", // whatever the names, only this machine reaches it
		"127.0.0.1:8080":   "http://127.0.0.1:4711",
		":8080":            "http://modules.example:4711",
		"0.0.0.0:8080":     "http://modules.example:4711",
		"192.0.2.1:8080":   "http://modules.example:4711", // which is not one of those that are served
		"other.example:80": "http://modules.example:4711",
	} {
		if got := baseURL(address, 4711, []string{"modules.example", "10.0.0.1"}, nil); got != want {
			t.Errorf("%s: %s, want %s", address, got, want)
		}
	}
}

func TestServerHasLimits(t *testing.T) {
	server := newServer(http.NotFoundHandler(), nil, nil, slog.New(slog.DiscardHandler))
	if server.ReadHeaderTimeout <= 0 || server.IdleTimeout <= 0 || server.MaxHeaderBytes <= 0 {
		t.Errorf("a limit is missing: %v, %v, %d", server.ReadHeaderTimeout, server.IdleTimeout, server.MaxHeaderBytes)
	}
	if server.WriteTimeout != 0 || server.ReadTimeout != 0 {
		t.Errorf("large zips would be cut: WriteTimeout %v, ReadTimeout %v", server.WriteTimeout, server.ReadTimeout)
	}
}

func TestCertifiedHost(t *testing.T) {
	leaf := &x509.Certificate{DNSNames: []string{"*.proxy.example", "modules.example"}}
	for host, want := range map[string]string{
		"localhost":       "modules.example",
		"modules.example": "modules.example",
		"a.proxy.example": "a.proxy.example",
	} {
		if got := certifiedHost(host, leaf); got != want {
			t.Errorf("%s: %s, want %s", host, got, want)
		}
	}
	if got := certifiedHost("localhost", &x509.Certificate{}); got != "localhost" {
		t.Errorf("without names: %s", got)
	}
}
