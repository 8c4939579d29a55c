package gocmd

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"strings"
)

// A login is what a netrc file has for a machine.
type login struct{ machine, name, password string }

// parseNetrc reads a netrc file as the go command does (cmd/go/internal/auth).
// Like it, it passes over the default entry, which would go to any host, but
// reports that there is one.
func parseNetrc(data string) (all []login, hasDefault bool) {
	var l login
	inMacro := false
	for line := range strings.Lines(data) {
		f := strings.Fields(line)
		if inMacro {
			inMacro = len(f) > 0
			continue
		}
		for i := 0; i < len(f); i += 2 {
			if f[i] == "default" {
				return all, true
			}
			if i+1 == len(f) {
				break
			}
			switch f[i] {
			case "machine":
				l = login{machine: f[i+1]}
			case "login":
				l.name = f[i+1]
			case "password":
				l.password = f[i+1]
			case "macdef":
				inMacro = true
			}
			if l.machine != "" && l.name != "" && l.password != "" {
				all = append(all, l)
				l = login{}
			}
		}
	}
	return all, false
}

// netrc is a netrc file as [upstream.Credentials]. It is read each time, as git
// does: it may be renewed at any time. One that is not there has none.
type netrc string

func (file netrc) Header(_ context.Context, u *url.URL) (http.Header, error) {
	data, err := os.ReadFile(string(file))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	req := http.Request{Header: http.Header{}}
	logins, _ := parseNetrc(string(data))
	for _, l := range logins {
		if strings.EqualFold(l.machine, u.Hostname()) {
			req.SetBasicAuth(l.name, l.password)
			break
		}
	}
	return req.Header, nil
}

// forGit returns what git may know of the file, if that is not all of it: git's
// HTTP library would give the default entry to every host that asks.
func (file netrc) forGit() (content string, ok bool, err error) {
	data, err := os.ReadFile(string(file))
	if errors.Is(err, fs.ErrNotExist) {
		return "", false, nil
	}
	logins, hasDefault := parseNetrc(string(data))
	if err != nil || !hasDefault {
		return "", false, err
	}
	var b strings.Builder
	for _, l := range logins {
		b.WriteString("machine " + l.machine + " login " + l.name + " password " + l.password + "\n")
	}
	return b.String(), true, nil
}
