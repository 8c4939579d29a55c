package auth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
)

// git gets credentials from git's helpers, run in a directory that is named, for
// an arbitrary one might hold a configuration of a stranger's.
type git struct {
	dir  string
	opts *Options

	mu    sync.Mutex
	known table
}

func (g *git) describe() string { return "git" }

func (g *git) table(context.Context) (table, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.known, nil
}

// ask runs "git credential fill". That it fails is how git says that it has no
// credentials, since it may not prompt.
func (g *git) ask(ctx context.Context, u *url.URL, _ *http.Response) error {
	out, err := g.opts.run(ctx, g.dir, g.env(), "url="+u.String()+"\n", "git", "credential", "fill")
	if _, ok := errors.AsType[*exec.ExitError](err); ok && ctx.Err() == nil {
		return nil
	}
	if err != nil {
		return err
	}
	prefix, user, password := parseGit(string(out))
	if !slices.Contains(slices.Collect(prefixes(u)), prefix) {
		return fmt.Errorf("git has given credentials for something else than %s", u.Host)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.known = merged(g.known, table{prefix: basic(user, password)})
	return nil
}

func (g *git) env() []string {
	env := g.opts.Env
	if env == nil {
		env = os.Environ()
	}
	return append(slices.Clip(env), "GIT_TERMINAL_PROMPT=0", "GIT_ASKPASS=", "SSH_ASKPASS=", "GCM_INTERACTIVE=never")
}

// parseGit reads what "git credential fill" prints (git-credential(1)), as the go
// command does (auth/gitauth.go).
func parseGit(data string) (prefix, user, password string) {
	at := &url.URL{}
	for line := range strings.SplitSeq(data, "\n") {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		switch key {
		case "protocol":
			at.Scheme = value
		case "host":
			at.Host = value
		case "path":
			at.Path = value
		case "username":
			user = value
		case "password":
			password = value
		case "url":
			if u, err := url.ParseRequestURI(value); err == nil {
				at = u
			}
		}
	}
	path := at.EscapedPath()
	if path != "" && path[0] != '/' {
		path = "/" + path
	}
	return normal(at.Host + path), user, password
}
